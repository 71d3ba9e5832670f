"""Keeps a trained model in MLflow's registry as the next version, with its figures, and points an alias at it.

    python -m serving.register output/demo/model --name wallpaper-transition

A version becomes @champion by being the first, or through the gates of `serving.promotion`; else it is @challenger.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from serving.card import model_card, with_own_card
from serving.packing import pack
from serving.promotion import Outcome, promote
from serving.report import outcome_text
from serving.versions import CHALLENGER, CHAMPION, NAME, Registry, figure_tags
from wallpaper import provenance, recorded, tracking
from wallpaper.data.layout import DIGEST_LENGTH
from wallpaper.data.samples import Samples
from wallpaper.data.store import PatternStore
from wallpaper.evaluation import Record, read_record, weights_of
from wallpaper.model_files import DESCRIPTION, FILES
from wallpaper.models.transition_model import TransitionModel
from wallpaper.tracking import Store

AUTO = "auto"
"""In an alias's place: @champion where there is none yet, else @challenger."""

LONGEST_DESCRIPTION = 5000  # of a version, in MLflow's tables


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry."""

    name: str
    version: str
    alias: str
    """That names it; "" for none."""
    run_id: str
    outcome: Outcome | None = None
    """Of its promotion to @champion, where that was asked for."""

    @property
    def uri(self) -> str:
        """What `mlflow models serve -m` takes."""
        return f"models:/{self.name}@{self.alias}" if self.alias else f"models:/{self.name}/{self.version}"


def register(
    model_folder: Path,
    *,
    tracking_uri: str | None = None,
    name: str = NAME,
    alias: str = AUTO,
    run_id: str | None = None,
    evaluation: Record | None = None,
    samples: Samples | None = None,
) -> Registered:
    """Register a model's folder as the next version of `name` and point `alias` at it.

    Args:
        model_folder: what `TransitionModel.save` wrote.
        alias: "champion" goes through the gates, and the version is only @challenger if one does not hold; any other
            moves at once; `AUTO` is champion for the first version, else challenger; "" is none.
        run_id: the run that the model comes from; a new run of phase "register" if None.
        evaluation: figures to keep with the model; the gates look at them.
        samples: patterns packed with the model for `sample_id`; the generator's if None.
    Raises:
        FileNotFoundError: no model there. wallpaper.tracking.TrackingError: no store, or no such run.
        ValueError: the evaluation is of other weights.
        RuntimeError: the registered model does not answer; no alias has moved.
    """
    missing = [file for file in FILES if not (model_folder / file).is_file()]
    if missing:
        raise FileNotFoundError(f"a model's folder holds {', '.join(FILES)}, but {model_folder} has no {missing[0]}")
    if evaluation and evaluation.weights != (found := weights_of(TransitionModel.load(model_folder))):
        raise ValueError(
            f"an evaluation must be of the model's weights, {found[:16]}, but got one of "
            f"{evaluation.weights[:16] or 'unknown ones'}; run `wallpaper evaluate` again"
        )
    if tracking_uri:
        os.environ["MLFLOW_TRACKING_URI"] = tracking_uri
    about = {"model": str(model_folder), "name": name, "alias": alias, "run": run_id or ""}
    with contextlib.ExitStack() as stack:
        if run_id is None or "MLFLOW_RUN_ID" in os.environ:  # `mlflow run -e register` has made a run for this
            run = stack.enter_context(tracking.start("register", phase="register", config=about, folder=model_folder))
        store = tracking.initialise()
        origin = run.run_id if run_id is None else recorded.find_run(run_id, store).run_id
        packed = samples or Samples.generated(_resolution(model_folder))
        version = _register(store, model_folder, name, origin, evaluation, packed)
        named, outcome = _point(Registry(store, name), version, alias)
    return Registered(name, version, named, origin, outcome)


def _register(store: Store, folder: Path, name: str, run_id: str, evaluation: Record | None, samples: Samples) -> str:
    """The new version's number."""
    client, metrics = store.client, evaluation.metrics if evaluation else {}
    about = _about(folder, name, run_id, samples)
    card = model_card(about, metrics)
    info = pack(store, folder, about, with_own_card(card, folder), samples)
    now, step = int(time.time() * 1000), _next_step(client, run_id, metrics)
    data = {"dataset_name": "patterns", "dataset_digest": evaluation.data[:DIGEST_LENGTH]} if evaluation else {}
    figures = [
        Metric(key, value, now, step, model_id=info.model_id, run_id=run_id, **data) for key, value in metrics.items()
    ]
    client.log_batch(run_id, metrics=figures)
    with contextlib.suppress(MlflowException):  # it is there already
        client.create_registered_model(name, description="Transitions between the 17 wallpaper groups.")
    tags = about | (figure_tags(evaluation) if evaluation else {})
    version = client.create_model_version(
        name, info.model_uri, run_id, tags=tags, description=card[:LONGEST_DESCRIPTION], model_id=info.model_id
    )
    return str(version.version)


def _next_step(client: MlflowClient, run_id: str, metrics: Mapping[str, float]) -> int:
    """The step for figures of one more registration of the run's model: none is recorded twice, also where one died."""
    known = client.get_run(run_id).data.metrics
    past = [client.get_metric_history(run_id, name) for name in list(metrics)[:1] if name in known]
    return max((point.step + 1 for points in past for point in points), default=0)


def _point(registry: Registry, version: str, alias: str) -> tuple[str, Outcome | None]:
    """The alias that names the version in the end, and what came of its promotion if there was one."""
    if not alias:
        return "", None
    with registry.turn():
        if alias in (AUTO, CHAMPION) and not registry.holder(CHAMPION):
            registry.move(CHAMPION, version, "first", reason="the first version; no gate was asked")
            return CHAMPION, None
        named = CHALLENGER if alias in (AUTO, CHAMPION) else alias
        registry.move(named, version, "set")
    if alias != CHAMPION:
        return named, None
    outcome = promote(registry, version)
    return CHALLENGER if outcome.refused else CHAMPION, outcome


def _about(folder: Path, name: str, run_id: str, samples: Samples) -> dict[str, str]:
    """What every answer, the version's tags and the card say of the model; an unknown digest is empty."""
    info = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8")).get("info", {})
    return {
        "name": name,
        "run_id": run_id,
        "digest": digest(folder),
        "data_digest": str(info.get("data_digest", ""))[:DIGEST_LENGTH],
        "samples_digest": samples.digest,
        "wallpaper": provenance.version(),
    }


def digest(folder: Path) -> str:
    """SHA-256 of the model's files, in short."""
    sums = "".join(hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES)
    return hashlib.sha256(sums.encode()).hexdigest()[:16]


def _resolution(folder: Path) -> int:
    """Samples along each side of the model's cells, without loading it."""
    return int(json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))["vae"]["resolution"])


def _held_out(data: Path, folder: Path) -> Samples:
    return Samples.held_out(PatternStore(data), _resolution(folder))


def main(arguments: list[str] | None = None) -> int:
    """The command line; returns the exit code: 1 also where gates held the version back from @champion."""
    parser = argparse.ArgumentParser(prog="python -m serving.register", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("model_folder", type=Path, help="folder with " + ", ".join(FILES))
    parser.add_argument("--name", default=NAME, help="registered model (default: %(default)s)")
    parser.add_argument(
        "--alias",
        default=AUTO,
        help="alias to move; empty for none; champion goes through the gates; "
        "auto is champion if there is none yet, else challenger (default: %(default)s)",
    )
    parser.add_argument("--run", default=None, metavar="RUN_ID", help="run that the model comes from")
    parser.add_argument("--evaluation", type=Path, default=None, help="the model's evaluation.json")
    parser.add_argument(
        "--data", type=Path, default=None, help="pattern file whose test part gives the packed samples (else generated)"
    )
    given = parser.parse_args(arguments)
    try:
        samples = _held_out(given.data, given.model_folder) if given.data else None
        evaluation = read_record(given.evaluation) if given.evaluation else None
        done = register(
            given.model_folder,
            name=given.name, alias=given.alias, run_id=given.run, evaluation=evaluation, samples=samples,
        )  # fmt: skip
    except (OSError, RuntimeError, ValueError, MlflowException) as error:
        print(f"Error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)  # noqa: T201
        return 130
    print(f"{done.name} version {done.version}: {done.uri}")  # noqa: T201
    _say(done, evaluated=evaluation is not None)
    return 1 if done.outcome and done.outcome.refused else 0


def _say(done: Registered, *, evaluated: bool) -> None:
    """What there is to know besides, on the error channel: the first line of a registration is its address."""
    if not evaluated:
        print("It has no evaluation, so the gates would hold it back: register it with --data FILE.", file=sys.stderr)  # noqa: T201
    if done.outcome:
        print(outcome_text(done.outcome, done.name), file=sys.stderr)  # noqa: T201
    elif done.alias == CHALLENGER:
        print(f"Make it @{CHAMPION} with `wallpaper promote {done.version}`.", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
