"""A search from beginning to end: the VAE's phase, the ODE's on the best frozen VAE, and the best model registered.

Each phase is a study, a run in MLflow and a folder; whatever is there already is gone on with, so that the same
steps begin a search and resume it. How trials run is in `driver`, which needs Ray and is loaded last.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click

from tune import outcome
from tune.board import Board
from tune.default_space import default_rows
from tune.options import Options, save, seconds, warm_database
from tune.phases import Objective, Phase, base_config, chosen_objectives
from tune.shared import save_latents
from tune.space import Space
from tune.space_data import Row, build_space, read_points, read_space
from tune.stopping import STOPPED
from tune.study import Past, Study, load_database
from tune.trial import Job
from wallpaper import provenance, tracking
from wallpaper.data import PatternStore, cached_latents
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.config import to_mapping
from wallpaper.training.files import read_json
from wallpaper.training.ode_config import FLOW
from wallpaper.training.ode_pairs import coupling_of, held_out_batch
from wallpaper.training.pattern_source import check_source
from wallpaper.training.stopping import TrainingError
from wallpaper.training.vae_run import load_vae


@dataclass(frozen=True, slots=True)
class Part:
    """A phase as it is to be searched."""

    phase: Phase
    space: Space
    rows: Mapping[str, Row]
    points: tuple[Mapping[str, Any], ...]
    """Whole proposals that come first: the chosen preset's own, the preset plan's, those given."""
    objectives: tuple[Objective, ...]


def parts_of(options: Options, vae: Path | None, saved: Mapping[str, Any] | None = None) -> list[Part]:
    """What is to be searched; spaces and points from their files, or as `saved` when the search began.

    Args: vae: folder of the frozen VAE, None if it is searched first.

    Raises: ValueError, FileNotFoundError: a file, or what it holds, is not as it must be.
    """
    phases = options.phases
    bases: dict[str, Any] = {
        phase.name: base_config(phase, options.preset, seed=options.seed, epochs=options.epochs) for phase in phases
    }
    objectives = chosen_objectives(options.objectives, phases, bases)
    if saved is not None:
        spaces, points = saved["spaces"], saved["points"]
    else:
        spaces = read_space(Path(options.space), phases) if options.space else {}
        points = read_points(Path(options.points), phases) if options.points else {}
    parts: list[Part] = []
    for phase in phases:
        base = bases[phase.name]
        on_grid = load_vae(vae).places > 0 if vae else bool(parts) and parts[0].space.base.pool == "grid"
        rows = spaces.get(phase.name) or default_rows(phase, base, on_grid=on_grid)
        space = build_space(rows, phase, base)
        _check_comparable(space, objectives[phase.name])
        first = [space.start(), space.plan(), *(space.point(point) for point in points.get(phase.name, ()))]
        parts.append(Part(phase, space, rows, tuple(first), objectives[phase.name]))
    return parts


def _check_comparable(space: Space, objectives: Sequence[Objective]) -> None:
    """Raises: ValueError: losses on different pairs would be compared."""
    if any(objective.metric == FLOW for objective in objectives):
        couplings = set(space.values_of("coupling"))
        if couplings != {"projection"}:
            raise ValueError(
                "objective flow compares losses on pairs by projection, but the trials' `coupling` may be "
                f"{', '.join(sorted(couplings))}; fix it to projection, or choose --objectives w2"
            )


class Campaign:
    """A search in its folder."""

    def __init__(self, folder: Path, options: Options, data: Path, vae: Path | None, parts: Sequence[Part]) -> None:
        self.folder, self.options, self.data, self.parts = folder, options, data, parts
        self.vae, self.store = vae, PatternStore(data)
        self._until = time.time() + seconds(options.time_budget)
        self._ground = outcome.Ground(data, options.preset)

    def remember(self) -> None:
        """Write down what is to be done, and the frozen VAE as soon as it is known, for a resume."""
        rows = {part.phase.name: {name: _plain(row) for name, row in part.rows.items()} for part in self.parts}
        points = {part.phase.name: [dict(point) for point in part.points] for part in self.parts}
        found = {"data": str(self.data.absolute()), "vae": str(self.vae.absolute()) if self.vae else ""}
        save(self.folder, self.options, {"spaces": rows, "points": points, **found})

    def run(self) -> None:
        """Search all phases and register what is best.

        Raises: KeyboardInterrupt: it was stopped. TrainingError: no trial of a phase came to a good end.
        """
        resumed = os.environ.pop("MLFLOW_RUN_ID", None) if self.options.resume else None
        if resumed:  # `mlflow run` has made a run for this process, but the search has its own
            tracking.Run(tracking.initialise(), resumed).tag("search", self.folder.name)
        for place, part in enumerate(self.parts):
            if place:  # at first a store that does not answer is a mistake, now hours may have been spent
                tracking.patiently(tracking.initialise)
            left = self._until - time.time()
            share = left / (len(self.parts) - place) if left < float("inf") else left
            best = self._run_phase(part, time.time() + share)
            if part.phase.name == "vae":
                self._freeze(self.folder / "vae" / "trials" / best.name)

    def _freeze(self, best: Path) -> None:
        """Choose the VAE of the ODE phase, once: paths in the latent spaces of two VAEs cannot be compared."""
        if self.vae is None:
            self.vae = best
            self.remember()
        elif self.vae != best.absolute():
            click.echo(
                f"\nODE: on the VAE of trial {self.vae.name}, as before; trial {best.name} is better now, and a new "
                f"search trains on it: python tune/search.py --phase ode --vae {best}"
            )

    def _run_phase(self, part: Part, until: float) -> Past:
        """Search one phase, or what is left of it; its best trial."""
        phase, folder, started = part.phase, self.folder / part.phase.name, time.time()
        config = {**self.options.to_mapping(), "phase": phase.name, "epochs": part.space.base.epochs}
        tags = {"search": self.folder.name, "search.phase": phase.name}
        tags |= {"search.objectives": ",".join(each.name for each in part.objectives)}
        with tracking.start(
            f"search-{self.folder.name}-{phase.name}", phase="search", config=config, folder=folder,
            tags=tags, resume=True,
        ) as run:  # fmt: skip
            run.dataset(self.store.path, digest=self.store.digest)
            job = self._job(part, folder, run)
            study = self._study(part, job)
            try:
                if study.left:
                    self._run_trials(part, job, study, run, until)
            except BaseException:  # a phase that is stopped has a best trial too
                outcome.keep_best(job, study, run, self._ground)
                raise
            best = outcome.keep_best(job, study, run, self._ground)
            outcome.keep_figures(job, study, run)
            if best is None:
                reasons = {str(past.about.get("reason") or past.outcome) for past in study.past()}
                raise TrainingError(f"no trial came to a good end: {'; '.join(sorted(reasons)) or 'none was begun'}")
            click.echo(f"\n{phase.title} in {outcome.spent(study, started, time.time())}")
            click.echo(outcome.ending(job, study, best, run, self._ground))
            if self.options.pictures:
                outcome.keep_pictures(job, study, best, run)
            if phase.name == "ode":
                self._keep_model(job, study, best, run)
        return best

    def _job(self, part: Part, folder: Path, run: tracking.Run) -> Job:
        """What the phase's trials have in common, with what they share in their folder."""
        folder.mkdir(parents=True, exist_ok=True)
        owner = {"wallpaper.host": provenance.host(), "wallpaper.process": provenance.process()}
        resources = self.options.resources_of(part.phase)
        about: dict[str, Any] = {
            "phase_name": part.phase.name, "base": part.space.base, "objectives": part.objectives, "folder": folder,
            "name": self.folder.name, "parent": run.run_id, "owner": owner, "data_path": self.store.path.absolute(),
            "data_digest": self.store.digest, "device": resources.device, "processes": resources.processes,
        }  # fmt: skip
        if part.phase.name == "vae":
            check_source(self.store, part.space.base.resolution)
            job = Job(**about)
        else:
            assert self.vae is not None
            vae = load_vae(self.vae)
            digest = weights_digest(vae.state_dict())
            run.tag("vae.digest", digest)
            run.tag("vae.folder", str(self.vae))
            job = Job(**about, vae_folder=str(self.vae.absolute()), vae_digest=digest)
            latents = cached_latents(self.store, vae, digest, self.vae / "latents", side=vae.resolution)
            train, held_out = (latents.take(self.store.splits[name]) for name in ("train", "val"))
            save_latents(job.shared, train, held_out)
            for name in part.space.values_of("coupling"):
                config = replace(part.space.base, coupling=name)
                coupling_of(config, train, painter=vae, cache=job.coupling(name))
                held_out_batch(config, held_out, painter=vae, cache=job.coupling(name))
        job.stop_file.unlink(missing_ok=True)
        return job

    def _study(self, part: Part, job: Job) -> Study:
        options = self.options
        study = Study(
            job.folder, f"{job.name}-{job.phase_name}", part.space, part.objectives,
            sampler=options.sampler, seed=options.seed,
        )  # fmt: skip
        points = list(part.points)
        if study.is_new:
            study.mark({"ground": _digest(part, job), "phase": job.phase_name, "search": job.name})
            if options.warm_start:
                points = self._warm(study, job.phase_name, points)
        study.begin(options.trials, points)
        if options.retry_failed:
            click.echo(f"{study.retry_failed()} failed trials of the {part.phase.title} run again")
        return study

    def _warm(self, study: Study, phase: str, points: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The points to begin with, after another search has been learnt from."""
        path = warm_database(self.options.storage_path, self.options.warm_start, phase)
        if path is None:
            return points
        taken, better = study.warm_start(load_database(path))
        what = f"{taken} trials known" if taken else f"{len(better)} of its best settings first; its ground was another"
        click.echo(f"{phase.upper()}: warm start from {path}: {what}")
        return [*points[:2], *better, *points[2:]]

    def _run_trials(self, part: Part, job: Job, study: Study, run: tracking.Run, until: float) -> None:
        from tune import driver  # noqa: PLC0415 - Ray takes seconds to load: a mistake is told without it

        options, resources = self.options, self.options.resources_of(part.phase)
        where = f"{options.gpus} GPU(s), {resources.gpus_per_trial:g} each" if options.gpus else "the CPU"
        where += " (only counted)" if options.simulate_gpus else ""
        click.echo(
            f"\n{part.phase.title}: {study.left} of {options.trials} trials to go, of {part.space.base.epochs} epochs, "
            f"{options.sampler} and {options.scheduler}, on {where}; in {job.folder}"
        )
        board = Board(part.phase, part.objectives, options.trials, past=study.past())
        give_up = partial(_give_up, run, self.folder, options.storage_path)
        driver.run_trials(job, study, driver.Plan(resources, options.scheduler, until), board, run, give_up)

    def _keep_model(self, job: Job, study: Study, best: Past, run: tracking.Run) -> None:
        model = outcome.build_model(job, study, best)
        tracking.Run(run.store, str(best.about["run_id"])).artifact(model, "model")
        click.echo(f"  model            {model}")
        if self.options.register:
            click.echo("  registering      after an evaluation on held-out patterns, which takes minutes")
            said = outcome.register(model, self.data.absolute(), run)
            click.echo(f"  registered       {said}")
            if said.endswith("@challenger"):
                click.echo("  to serve it      wallpaper promote")
        click.echo("\nNext: wallpaper transition p1 p6m --model " + str(model) + " -o p1_p6m.gif")


def load_saved(folder: Path) -> dict[str, Any]:
    """What `Campaign.remember` wrote. Raises: ValueError: something else."""
    found = read_json(folder / "search.json")
    if not isinstance(found, dict) or not {"spaces", "points", "data", "vae"} <= set(found):
        raise ValueError(f"{folder / 'search.json'} must be a search's, but is not; start a new one")
    return found


def _give_up(run: tracking.Run, folder: Path, root: Path) -> None:
    """End the process: Ray waits a minute for its own servers if the signal has reached them too."""
    run.end("KILLED", "the search was stopped, and Ray did not answer")
    outcome.say_how_to_resume(folder, root)
    sys.stdout.flush()
    os._exit(STOPPED)


def _digest(part: Part, job: Job) -> str:
    """Of all that a trial's values depend on but its settings."""
    base = {**to_mapping(part.space.base), **dict.fromkeys(part.rows)}
    about = [base, job.data_digest, job.vae_digest, [each.name for each in part.objectives]]
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]


def _plain(row: Any) -> Any:
    if isinstance(row, Mapping):
        return {name: _plain(value) for name, value in row.items()}
    return [_plain(value) for value in row] if isinstance(row, (list, tuple)) else row
