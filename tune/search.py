"""`python tune/search.py`: searches settings of both trainings, and registers the best model that comes of them.

Everything is recorded in MLflow: a run for each phase of the search, and beneath it one for each trial. Options are
here, without what takes long to load; what is done with them is in `tune.begin`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__" and not __package__:  # typed as `python tune/search.py`: Python has put tune/ on its path
    sys.path[0] = str(Path(__file__).resolve().parents[1])

import click
from click.core import ParameterSource

from tune.phases import PHASES, PRESETS
from tune.places import DATA, DEMO_DATA, DEMO_VAE, STORAGE, VAE_RUNS
from tune.samplers import SAMPLERS

CONTEXT = {
    "help_option_names": ["-h", "--help"],
    "max_content_width": 110,
    "token_normalize_func": lambda name: name.replace("_", "-"),  # `mlflow run -P` passes names as they are
}

_OBJECTIVES = "; ".join(f"{phase.title}: {', '.join(each.name for each in phase.objectives)}"
                        for phase in PHASES.values())  # fmt: skip


@click.command("search", context_settings=CONTEXT)
@click.option("--phase", type=click.Choice(("both", *PHASES)), default="both", show_default=True,
              help="The VAE, the ODE on a trained VAE, or the VAE and then the ODE on the best one.")  # fmt: skip
@click.option("--data", default="", metavar="FILE", help=f"Dataset. Default: {DATA}, else {DEMO_DATA}.")
@click.option("--vae", default="", metavar="FOLDER",
              help=f"Trained VAE of --phase ode. Default: the newest in {VAE_RUNS}/, {DEMO_VAE}.")  # fmt: skip
@click.option("--preset", type=click.Choice(PRESETS), default="laptop", show_default=True,
              help="Settings that are not searched, and the first trial's.")  # fmt: skip
@click.option("--trials", type=click.IntRange(1), default=8, show_default=True, help="Trainings of each phase.")
@click.option("--time-budget", default="", metavar="TIME",
              help="As 90s, 30m or 2h: then no trial starts, and running ones end with their epoch.")  # fmt: skip
@click.option("--epochs", type=click.IntRange(0), default=0, help="Epochs of each training. Default: the preset's.")
@click.option("--gpus", type=click.IntRange(0), default=0, show_default=True,
              help="GPUs to use; 0 trains on the CPU.")  # fmt: skip
@click.option("--gpus-per-trial", type=float, default=1.0, show_default=True,
              help="GPUs of one trial: a whole number, or 0.5 and the like to share one.")  # fmt: skip
@click.option("--cpus-per-trial", type=click.IntRange(1), default=1, show_default=True, help="CPU threads of a trial.")
@click.option("--concurrent", type=click.IntRange(0), default=0,
              help="Trials at the same time. Default: as many as there are GPUs or CPUs for.")  # fmt: skip
@click.option("--address", default="", metavar="HOST:PORT",
              help="Of a running Ray cluster (auto: the one on this machine) whose machines all reach data and "
                   "--storage-path.")  # fmt: skip
@click.option(
    "--simulate-gpus", is_flag=True, help="Only count GPUs, and train on CPUs: to test how trials are placed."
)
@click.option("--sampler", type=click.Choice(SAMPLERS), default="tpe", show_default=True, help="Who proposes.")
@click.option("--scheduler", type=click.Choice(("asha", "none")), default="asha", show_default=True,
              help="asha stops the worse trials early.")  # fmt: skip
@click.option("--objectives", default="", metavar="NAMES",
              help=f"What to improve, one or several, with commas. {_OBJECTIVES}. "
                   "Default: the first; where pairs end in projections, as in laptop, flow.")  # fmt: skip
@click.option(
    "--space", default="", metavar="FILE", help="YAML: what is varied. See docs/search.md; --dry-run shows it."
)
@click.option("--points", default="", metavar="FILE",
              help="YAML: settings known to be good, tried after those of --preset and the preset plan.")  # fmt: skip
@click.option("--warm-start", default="", metavar="STUDY", help="An earlier search, by name or folder, to learn from.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="Of proposals and trainings. With concurrent trials only the start is repeatable.")  # fmt: skip
@click.option("--name", default="", help="Of the search and its folder. Default: the time.")
@click.option("--storage-path", type=click.Path(path_type=Path, file_okay=False), default=STORAGE, show_default=True,
              help="Folder of all searches.")  # fmt: skip
@click.option("--resume", default="", metavar="NAME", help="Go on with a search that was stopped: its name, or last.")
@click.option("--retry-failed", is_flag=True, help="With --resume: run trials that failed again.")
@click.option("--pictures/--no-pictures", default=True, show_default=True,
              help="Draw what the best trial of each phase has learned, as a training does.")  # fmt: skip
@click.option("--register/--no-register", default=True, show_default=True,
              help="Register the best model of the ODE's phase, as `wallpaper register` does.")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only show space, resources and time; nothing is trained or written.")
@click.pass_context
def search(context: click.Context, /, **given: Any) -> None:
    """Search settings of both trainings with Optuna under Ray Tune; all is recorded in MLflow.

    First the VAE, then the ODE on the best VAE, whose latents are computed once; the best model is registered. The
    preset's own settings and those of the preset plan are among the trials. Ctrl-C leaves nothing running, and exits
    with 130.

    \b
    Examples:
      python tune/search.py                              8 trials of each phase on the CPU
      python tune/search.py --phase ode --trials 50 --objectives w2,nfe
      python tune/search.py --gpus 4 --gpus-per-trial 0.5 --preset quality
      python tune/search.py --resume last --trials 16    go on, with more trials
    """
    from tune.begin import begin  # noqa: PLC0415 - torch, MLflow and Optuna take seconds, which help need not wait for

    begin(given, _typed(context, given))


def _typed(context: click.Context, given: dict[str, Any]) -> set[str]:
    """Options that the user gave; `mlflow run` types all that it knows, with their defaults."""
    typed = {name for name in given if context.get_parameter_source(name) == ParameterSource.COMMANDLINE}
    own = {parameter.name: parameter.get_default(context) for parameter in context.command.params}
    return {name for name in typed if "MLFLOW_RUN_ID" not in os.environ or given[name] != own[name]}


if __name__ == "__main__":
    search()
