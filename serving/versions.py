"""One registered model in MLflow's registry: its versions with their figures, and its aliases with all their moves.

What a concurrent move guarantees: every one is recorded, as a tag of its own key that no other writer touches, and
when the last mover is done the alias names the version of the last recorded one. MLflow has no transaction over tags
and aliases. So a mover records first, points the alias at what was recorded last, and looks again whether that is
still the last: whoever points it at an older one sees the newer and mends it. In an SQLite store of this machine movers
also wait for each other, so that none judges by a champion that is being replaced; over REST there is no such lock.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlflow.exceptions import MlflowException

from serving.gates import FIGURES, Figures
from serving.history import Kind, Move, moves_in, new_move
from wallpaper import provenance
from wallpaper.evaluation import Record
from wallpaper.mlflow_plugin import one_process
from wallpaper.tracking import Store

NAME = "wallpaper-transition"
CHAMPION, CHALLENGER = "champion", "challenger"

EVALUATED, FORCED = "eval.", "forced."
"""What the tags of a version begin with that hold its figures, and who forced it to be champion."""

LONGEST_NAME = 80
"""Characters of the name that somebody gives."""


class Unknown(ValueError):
    """There is no such model, version or alias."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version as the registry has it."""

    number: str
    aliases: tuple[str, ...]
    run_id: str
    run: str
    """The run's name; its id if the store has it no more."""
    registered: str
    """ISO 8601, UTC."""
    figures: Figures
    dataset: str
    """Digest of the patterns that it learned from; "" if unknown."""
    weights: str
    """Digest of its files."""
    forced: Mapping[str, str]
    """By whom, when, why and past which gates it was made champion, if it was forced."""


def figure_tags(found: Record) -> dict[str, str]:
    """The tags of a version that say what gates look at; nothing has to be downloaded to read them."""
    figures = {name: found.metrics[f"eval/{name}"] for name in FIGURES if f"eval/{name}" in found.metrics}
    return {f"{EVALUATED}{name}": repr(value) for name, value in figures.items()} | {f"{EVALUATED}data": found.data}


@dataclass(frozen=True, slots=True)
class Registry:
    """The registry of a store, as far as one registered model goes."""

    store: Store
    name: str = NAME

    def versions(self) -> list[Version]:
        """All versions, newest first. Raises: Unknown: there is no model of that name."""
        aliases = self._aliases()
        found = self.store.client.search_model_versions(f"name='{self.name}'")
        return [self._version(each, aliases) for each in sorted(found, key=lambda each: -int(each.version))]

    def version(self, which: str) -> Version:
        """The version with this number or alias. Raises: Unknown: there is none."""
        aliases = self._aliases()
        number = aliases.get(which.removeprefix("@"), which)
        if number.isdecimal():
            with contextlib.suppress(MlflowException):
                return self._version(self.store.client.get_model_version(self.name, number), aliases)
        known = ", ".join(f"@{alias} is version {aliases[alias]}" for alias in sorted(aliases)) or "no alias is set"
        raise Unknown(
            f"`{which}` must be a version or an alias of {self.name} in {self.store.shown}, but is not ({known}); "
            "`wallpaper models` lists them"
        )

    def holder(self, alias: str) -> str:
        """Number of the version that an alias names; "" for none."""
        return self._aliases().get(alias, "")

    def moves(self, alias: str | None = None) -> list[Move]:
        """All moves of one alias or of all, oldest first."""
        return moves_in(self._model().tags, alias)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """For looking at an alias and then moving it: in an SQLite store nobody else moves one meanwhile."""
        with one_process(self.store.uri):
            yield

    def move(
        self, alias: str, version: str, kind: Kind, *, reason: str = "", by: str = "", forced: Sequence[str] = ()
    ) -> str:
        """Record a move and point the alias; within a `turn`. The version that it names at the end.

        That is another one if somebody moved the alias later, where the store has no lock.

        Args: by: who asked for it, by their own word; recorded beside whose process it is.
        """
        account = f"{provenance.user()}@{provenance.host()}"
        earlier, before, by = self.moves(), self.holder(alias), f"{by[:LONGEST_NAME]} ({account})" if by else account
        moved = new_move(alias, version, kind, before=before, by=by, after=earlier, reason=reason, forced=tuple(forced))
        self.store.client.set_registered_model_tag(self.name, *moved.tag())
        if forced:
            about = {"by": moved.by, "at": moved.at, "reason": moved.reason, "gates": "; ".join(forced)}
            for key, text in about.items():
                self.store.client.set_model_version_tag(self.name, version, FORCED + key, text)
        return self._settle(alias)

    def _settle(self, alias: str) -> str:
        """Point the alias at the last recorded move's version, until no later one has come."""
        last = self.moves(alias)[-1]
        while True:
            self._point(alias, last.version)
            newest = self.moves(alias)[-1]
            if newest.key == last.key:
                return last.version
            last = newest

    def _point(self, alias: str, version: str) -> None:
        try:
            self.store.client.set_registered_model_alias(self.name, alias, version)
        except MlflowException:  # a new alias is inserted: where two do so at once, the database refuses one
            self.store.client.set_registered_model_alias(self.name, alias, version)

    def _aliases(self) -> dict[str, str]:
        """Number of the version that each alias names; MLflow's database gives integers, its server text."""
        return {alias: str(number) for alias, number in self._model().aliases.items()}

    def _model(self) -> Any:
        try:
            return self.store.client.get_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            raise Unknown(
                f"`--name {self.name}` must be a registered model in {self.store.shown}, but there is none such; "
                "register a trained model with `wallpaper register`"
            ) from error

    def _version(self, found: Any, aliases: Mapping[str, str]) -> Version:
        tags, number = found.tags, str(found.version)
        values = {name: float(tags[EVALUATED + name]) for name in FIGURES if EVALUATED + name in tags}
        return Version(
            number=number,
            aliases=tuple(sorted(alias for alias, named in aliases.items() if named == number)),
            run_id=str(found.run_id),
            run=self._run_name(str(found.run_id)),
            registered=datetime.fromtimestamp(found.creation_timestamp / 1000, UTC).isoformat(timespec="seconds"),
            figures=Figures(values, tags.get(f"{EVALUATED}data", "")),
            dataset=tags.get("data_digest", ""),
            weights=tags.get("digest", ""),
            forced={key.removeprefix(FORCED): text for key, text in tags.items() if key.startswith(FORCED)},
        )

    def _run_name(self, run_id: str) -> str:
        try:
            return str(self.store.client.get_run(run_id).info.run_name)
        except MlflowException:
            return run_id
