"""Does a search pay? TPE with ASHA against random search and the preset plan; what Ray Tune costs a trial.

`python -m benchmarks.search`. On a made-up response surface (`benchmarks.search_trainings`: known optimum, noise, a
setting of one solver only) every way spends the same epochs, over many seeds; all begin with those of preset plan.
`--real DATA VAE` does it once with real trainings; the winners are judged on the test split, which no search has seen.

Predictions, written before the first run. Surface: TPE with ASHA ends nearer to the optimum than random search in 70 %
of the seeds (predicted: 85), its median excess is at most half of random's (predicted: a third), and every quartile is
below the preset plan's; ASHA spends at most 60 % of the epochs of whole trainings (predicted: 45) and costs at most
3 percentage points of excess with as many trials. Real: no worse than random search by more than 3 %, 5 % below the
preset plan. Ray Tune with reused workers: at most 1 s a trial on top of the bare loop (predicted: 0.4), at least
2 s less than without. The surface shows how the search behaves, not what it finds on real data. Exits 1 if one fails.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from tqdm import tqdm

from benchmarks.measuring import FILE, Findings, Row, begin, checked_file
from benchmarks.search_arms import (
    Outcome,
    Trial,
    Way,
    in_a_loop,
    local_ray,
    search,
    under_ray,
)
from benchmarks.search_trainings import OPTIMUM, Settings, ode_training, propose, training, value
from tune.default_space import ode_rows
from tune.phases import ODE
from tune.space_data import build_space
from wallpaper.data import Latents, PatternStore, cached_latents
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import BEST, CheckpointError, checkpoint_path, weights_digest
from wallpaper.training.config import from_mapping
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_loop import held_out_flow, load_ode
from wallpaper.training.ode_pairs import held_out_batch
from wallpaper.training.vae_run import load_vae

SEARCHED = (
    "learning_rate",
    "batch_size",
    "hidden_dim",
    "embedding_dim",
    "weight_decay",
    "warmup",
    "scheduler",
    "solver",
)
PLAN = {name: getattr(OdeConfig(), name) for name in (*SEARCHED, "rtol")}
"""Settings of the preset plan, in the searched space: the first trial of every way."""

RANDOM, TPE, RANDOM_ASHA, TPE_ASHA = "random search", "TPE", "random search, ASHA", "TPE, ASHA"
WAYS = {
    RANDOM: Way("random", False),
    TPE: Way("tpe", False),
    RANDOM_ASHA: Way("random", True),
    TPE_ASHA: Way("tpe", True),
}
AS_MANY = "TPE, ASHA, as many trials"

LEAST_WINS, MOST_OF_RANDOM, MOST_EPOCHS, MOST_LOST = 0.7, 0.5, 0.6, 3.0
MOST_WORSE, LEAST_BELOW_PLAN = 1.03, 0.95
MOST_OVERHEAD, LEAST_SAVED = 1.0, 2.0

NEW_WORKERS = 3
"""Trials with a new worker each: they take ten seconds, and say enough."""

TAKING_TURNS = 4
"""Workers of a search on the surface."""


def surface(found: Findings, seeds: int, trials: int, epochs: int) -> None:
    """Excess of the chosen training's true value over the optimum's, in percent, by way and seed."""
    results: dict[str, list[tuple[float, Outcome]]] = {name: [] for name in (*WAYS, AS_MANY)}
    for seed in tqdm(range(seeds), desc="surface", unit="seed", disable=not sys.stderr.isatty()):
        for name, outcomes in results.items():
            few = {"budget": trials * epochs} if name in WAYS else {"budget": trials * epochs, "trials": trials}
            done = search(
                WAYS.get(name, WAYS[TPE_ASHA]), partial(_made_up, epochs, seed), propose, PLAN,
                epochs=epochs, workers=TAKING_TURNS, seed=seed, **few,
            )  # fmt: skip
            outcomes.append((excess_percent(done.best, epochs), done))
    lowest = value(OPTIMUM, epochs, epochs)
    plan = 100 * (value(OdeConfig(), epochs, epochs) / lowest - 1)
    excess = {name: [percent for percent, _ in outcomes] for name, outcomes in results.items()}
    wins = {name: sum(a < b for a, b in zip(values, excess[RANDOM], strict=True)) for name, values in excess.items()}
    spent = {name: statistics.median(done.epochs for _, done in outcomes) for name, outcomes in results.items()}
    rows: list[Row] = [_row("settings of the preset plan", 1, epochs, [plan], None)]
    for name, outcomes in results.items():
        count = statistics.median(len(done.trials) for _, done in outcomes)
        nearer = None if name == RANDOM else f"{wins[name]} of {seeds}"
        rows.append(_row(name, count, spent[name], excess[name], nearer))
    note = (
        f"{seeds} seeds; medians; excess in percent of the known optimum, without noise, of the training that a user\n"
        "would take; proposals by the samplers of tune/search.py, early stops by Ray's AsyncHyperBandScheduler\n"
        f"(grace 1/8, factor 3), driven in process, {TAKING_TURNS} workers taking turns; the surface is made up"
    )
    found.table(f"Response surface: {trials} trainings of {epochs} epochs, or as much", rows, note)
    _judge_surface(found, excess, wins[TPE_ASHA] / seeds, plan, spent[AS_MANY] / (trials * epochs))


def excess_percent(chosen: Trial, epochs: int) -> float:
    """How far the chosen training's best epoch is above the optimum, without noise."""
    reached = value(from_mapping(OdeConfig, chosen.settings), chosen.best_epoch, epochs)
    return 100 * (reached / value(OPTIMUM, epochs, epochs) - 1)


def _made_up(epochs: int, seed: int, settings: Settings, number: int) -> Iterator[float]:
    return training(settings, epochs, (seed, number))


def _row(name: str, trials: float, epochs: float, excess: Sequence[float], nearer: str | None) -> Row:
    low, middle, high = statistics.quantiles(excess, n=4) if len(excess) > 1 else (None, excess[0], None)
    columns = {"trials": trials, "epochs": epochs, "lower quartile": low, "median excess": middle}
    return {"way": name, **columns, "upper quartile": high, "nearer than random": nearer}


def _judge_surface(found: Findings, excess: dict[str, list[float]], won: float, plan: float, share: float) -> None:
    middle = {name: statistics.median(values) for name, values in excess.items()}
    found.predict(
        f"TPE with ASHA nearer than random search in {LEAST_WINS:.0%} of the seeds", won >= LEAST_WINS, f"{won:.0%}"
    )
    ratio = middle[TPE_ASHA] / middle[RANDOM]
    found.predict(f"its median excess at most {MOST_OF_RANDOM:g} of random's", ratio <= MOST_OF_RANDOM, f"{ratio:.2f}")
    upper = statistics.quantiles(excess[TPE_ASHA], n=4)[-1]
    found.predict("its upper quartile below the preset plan's", upper < plan, f"{upper:.1f} and {plan:.1f} %")
    found.predict(f"ASHA spends at most {MOST_EPOCHS:.0%} of the epochs", share <= MOST_EPOCHS, f"{share:.0%}")
    lost = middle[AS_MANY] - middle[TPE]
    found.predict(f"and costs at most {MOST_LOST:g} points with as many trials", lost <= MOST_LOST, f"{lost:.1f}")


def overhead(found: Findings, trials: int) -> None:
    """Seconds that a small trial takes in a loop and under Ray Tune, beyond its training."""
    loop, one, fresh = "a loop", "Ray, the worker reused", "Ray, a new worker each"
    clocks = {loop: in_a_loop(trials)}
    started = time.perf_counter()
    with local_ray(max(2, os.cpu_count() or 1)):
        began = time.perf_counter() - started
        clocks[one] = under_ray(trials, reuse=True)
        clocks[fresh] = under_ray(min(trials, NEW_WORKERS), reuse=False)
    rows = [
        {"trials": name, "training s": clock.training, "overhead s": clock.overhead, "s a trial": clock.each,
         "trials an hour": 3600 / clock.each, "of the loop's": clocks[loop].each / clock.each, "first, s": clock.first}
        for name, clock in clocks.items()
    ]  # fmt: skip
    note = (
        "a trial: two epochs of the preset smoke on made-up latents, each reported; Optuna and ASHA included, MLflow\n"
        "not; one trial at a time; overhead: from a trial's end to the next one's, less its training; means by the\n"
        f"clock, without the first trial, which pays for imports; Ray's own start took {began:.1f} s and is in no row"
    )
    found.table("What Ray Tune costs a trial", rows, note)
    over = clocks[one].overhead
    saved = clocks[fresh].overhead - over
    found.predict(f"at most {MOST_OVERHEAD:g} s a trial with reused workers", over <= MOST_OVERHEAD, f"{over:.2f} s")
    found.predict(f"at least {LEAST_SAVED:g} s less than with new ones", saved >= LEAST_SAVED, f"{saved:.1f} s")


def real(found: Findings, data: Path, vae_folder: Path, trials: int, epochs: int, pairs: int, seed: int) -> None:
    """Random search, TPE with ASHA, and the preset plan, all in the preset laptop's space; winners judged on test."""
    base = replace(OdeConfig.preset("laptop"), epochs=epochs, pairs_per_epoch=pairs, seed=seed)
    vae, (train, held_out, test) = coded(data, vae_folder)
    space = build_space(ode_rows(base), ODE, base)
    unseen = held_out_batch(base, test, painter=vae)
    assert unseen is not None, "the preset laptop couples by projection"
    rows, results = [], {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        for way in (None, RANDOM, TPE_ASHA):
            started, at = time.process_time(), folder / str(way)

            def run(settings: Settings, number: int, at: Path = at) -> Iterator[float]:
                config = space.config(settings)
                coupling = folder / f"{config.coupling}.npz"
                return ode_training(config, train, held_out, at / str(number), coupling=coupling, vae=vae)

            done = search(
                WAYS[way or RANDOM], run, space.propose, space.plan(), epochs=epochs, budget=trials * epochs,
                trials=None if way else 1, seed=seed,
            )  # fmt: skip
            title = way or "settings of the preset plan"
            results[way] = held_out_flow(load_ode(at / str(done.best.number)), *unseen)
            rows.append({"way": title, "trials": len(done.trials), "epochs": done.epochs, "chosen, val": done.best.best,
                         "chosen, test": results[way], "CPU s": time.process_time() - started})  # fmt: skip
            click.echo(f"  {title}: {done.best.settings}")
    note = (
        f"flow loss of pairs of unseen latents, lower is better; {pairs} pairs an epoch; {len(train)} training latents"
    )
    found.table(f"Real trainings: {trials} of {epochs} epochs, or as much", rows, note)
    to_random, to_plan = results[TPE_ASHA] / results[RANDOM], results[TPE_ASHA] / results[None]
    found.predict(f"TPE with ASHA at most {MOST_WORSE:g} of random's", to_random <= MOST_WORSE, f"{to_random:.3f}")
    found.predict(f"and {LEAST_BELOW_PLAN:g} of the preset plan's", to_plan <= LEAST_BELOW_PLAN, f"{to_plan:.3f}")


def coded(data: Path, folder: Path) -> tuple[SymmetryVAE, tuple[Latents, Latents, Latents]]:
    """The VAE of a training's or a model's folder, and its train, val and test latents.

    Raises: CheckpointError, ValueError, OSError: no dataset or no VAE there.
    """
    vae: SymmetryVAE = load_vae(folder) if checkpoint_path(folder, BEST).exists() else TransitionModel.load(folder).vae
    store = PatternStore(data)
    with TemporaryDirectory() as cache:
        latents = cached_latents(store, vae, weights_digest(vae.state_dict()), cache, side=vae.resolution)
    train, held_out, test = (latents.take(store.splits[name]) for name in ("train", "val", "test"))
    return vae, (train, held_out, test)


SECTIONS = ("surface", "overhead")


@click.command(context_settings={"show_default": True})
@click.option(
    "--section", type=click.Choice(SECTIONS), multiple=True, help="Only this; default both, neither with --real."
)
@click.option("--seeds", type=click.IntRange(2), default=30, help="Searches of each way on the surface.")
@click.option("--trials", type=click.IntRange(2), default=24, help="Whole trainings that a search's budget pays for.")
@click.option("--epochs", type=click.IntRange(2), default=12, help="Of a whole training.")
@click.option("--small-trials", type=click.IntRange(2), default=12, help="Trials of the section overhead.")
@click.option("--real", "given", type=(click.Path(path_type=Path, exists=True, dir_okay=False),
              click.Path(path_type=Path, exists=True, file_okay=False)), metavar="DATA VAE",
              help="Real trainings on a dataset's latents; VAE: folder of a training or a model.")  # fmt: skip
@click.option("--pairs", type=click.IntRange(64), default=16_000, help="Pairs in an epoch of real trainings.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the real searches and trainings.")
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write all figures here.")
def main(
    section: tuple[str, ...],
    seeds: int,
    trials: int,
    epochs: int,
    small_trials: int,
    given: tuple[Path, Path] | None,
    pairs: int,
    seed: int,
    path: Path | None,
) -> None:
    """Does a search pay: TPE and ASHA against random search and the preset plan, and Ray Tune's cost.

    Three minutes on two cores; with --real as long as its budget takes, twice. Exit code 1: a prediction of the
    module's docstring failed.

    \b
      python -m benchmarks.search --real data/patterns.h5 wallpaper/shipped --trials 6 --epochs 4
    """
    found = begin("python -m benchmarks.search", "cpu", 1)
    if given:
        try:
            real(found, *given, trials, epochs, pairs, seed)
        except (CheckpointError, ValueError, OSError) as error:
            raise click.UsageError(str(error)) from error
    jobs = {
        "surface": partial(surface, found, seeds, trials, epochs),
        "overhead": partial(overhead, found, small_trials),
    }
    for name in section or (() if given else SECTIONS):
        jobs[name]()
    sys.exit(found.close(path))


if __name__ == "__main__":
    main()
