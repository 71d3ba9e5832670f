"""What every few epochs leave: metrics at once, pictures from a process beside the training.

One set is drawn at a time and one may wait; a newer one takes its place, so that drawing never holds up or
outlasts the training by more than two sets. Whatever fails here is a warning: the training goes on.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from wallpaper.epoch_pictures.places import METRICS, VISUALIZATIONS, Order, Phase, epoch_folder
from wallpaper.epoch_pictures.process import Drawer, DrawingEnded
from wallpaper.epoch_pictures.sheet import SHEET
from wallpaper.epoch_pictures.snapshot import drop_snapshot, link, take_snapshot
from wallpaper.training.checkpoint import BEST, LAST, checkpoint_path
from wallpaper.training.files import read_json, write_json
from wallpaper.training.report import Progress, silent

FINAL_NAMES = {BEST: "best_model", LAST: "final_model"}
"""What a finished run's checkpoints are called besides."""

_log = logging.getLogger(__name__)

Numbers = Mapping[str, float | int]


class Recorder(Protocol):
    """What keeps a run's numbers and files; `tracking.Run` is one."""

    def log(self, values: Numbers, step: int = 0) -> None:
        """Numbers of a step."""

    def artifact(self, path: Path, folder: str = "") -> None:
        """A file, or a folder's files, under `folder`."""


class EpochPictures:
    """Draws a training's epochs in `folder`; call it with each row, and `finish` it at the end.

    To be used in a `with` statement, which ends the drawing if the training fails or is interrupted.

    Args:
        every: epochs between two sets; the last epoch has one too.
        data: the dataset's file. vae: the VAE's folder, for phase "ode".
        resume: keep what earlier epochs left, instead of clearing it away.
        pictures: False leaves the metrics alone.
        checkpoint: that is drawn. "best" is for the kept epoch of a training that is over.
    """

    def __init__(
        self,
        phase: Phase,
        folder: Path,
        data: Path,
        recorder: Recorder,
        *,
        every: int,
        vae: Path | None = None,
        resume: bool = False,
        pictures: bool = True,
        checkpoint: str = LAST,
        drawer: Drawer | None = None,
    ) -> None:
        self._pattern = Order(phase, 0, folder.absolute(), data.absolute(), vae and vae.absolute())
        self._recorder, self._every, self._pictures = recorder, every, pictures
        self._checkpoint, self._drawer = checkpoint, drawer or Drawer()
        self._drawn: Order | None = None
        self._waiting: Order | None = None
        self._last: dict[str, float | int] | None = None
        self._taken = 0
        self._has_sheet = False
        if not resume:
            shutil.rmtree(folder / VISUALIZATIONS, ignore_errors=True)
            for name in FINAL_NAMES.values():
                checkpoint_path(folder, name).unlink(missing_ok=True)

    def __enter__(self) -> EpochPictures:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drawer.close()
        for order in (self._drawn, self._waiting):
            if order is not None:
                drop_snapshot(order.target)

    def __call__(self, row: Numbers) -> None:
        """An epoch is over; its checkpoint `last` is written."""
        self._last = dict(row)
        self._safely(self._collect)
        if row["epoch"] % self._every == 0 or row["epoch"] == row["epochs"]:
            self._safely(lambda: self._take(row))

    def finish(self, progress: Progress = silent) -> None:
        """Draw the last epoch, wherever the training stopped, wait for what is being drawn, and name the final models.

        Args: progress: gets (sets done, sets in all) while waiting.
        """
        if self._last is not None and self._last["epoch"] != self._taken:
            last = self._last
            self._safely(lambda: self._take(last))
        total = sum(order is not None for order in (self._drawn, self._waiting))
        while self._drawn is not None or self._waiting is not None:
            self._safely(self._next)
            self._safely(lambda: self._collect(1.0))
            progress(total - sum(order is not None for order in (self._drawn, self._waiting)), total)
        for name, other in FINAL_NAMES.items():
            self._safely(lambda name=name, other=other: self._name(name, other))  # type: ignore[misc]

    def _take(self, row: Numbers) -> None:
        order = replace(self._pattern, epoch=int(row["epoch"]))
        self._taken = order.epoch
        write_json(order.target / METRICS, dict(row))
        if not self._pictures:
            self._keep(order)
            return
        take_snapshot(order.folder, order.target, self._checkpoint)
        if self._waiting is not None:
            _log.info("epoch %d is not drawn: drawing takes longer than %d epochs", self._waiting.epoch, self._every)
            self._keep(self._waiting)
        self._waiting = order
        self._next()

    def _next(self) -> None:
        if self._drawn is None and self._waiting is not None:
            self._drawn, self._waiting = self._waiting, None
            self._drawer.ask(self._drawn.to_mapping())

    def _collect(self, timeout: float = 0.0) -> None:
        """Take an answer, if there is one, and give the next order."""
        if self._drawn is None:
            return
        answer = self._drawer.answer(timeout)
        if answer is None:
            return
        order, self._drawn = self._drawn, None
        if "error" in answer:
            _log.warning("epoch %d is not wholly drawn: %s", order.epoch, answer["error"])
        metrics: dict[str, Any] = answer.get("metrics", {})
        if metrics:
            row = read_json(order.target / METRICS)
            assert isinstance(row, dict)
            write_json(order.target / METRICS, row | metrics)
            self._recorder.log(metrics, order.epoch)
        self._keep(order)
        self._next()

    def _keep(self, order: Order) -> None:
        drop_snapshot(order.target)
        self._recorder.artifact(order.target, epoch_folder(order.epoch))
        sheet = order.target.parent / SHEET
        if not self._has_sheet and sheet.is_file():
            self._has_sheet = True
            self._recorder.artifact(sheet, VISUALIZATIONS)

    def _name(self, name: str, other: str) -> None:
        path = checkpoint_path(self._pattern.folder, name)
        if path.is_file():
            link(path, checkpoint_path(self._pattern.folder, other))

    def _safely(self, do: Callable[[], object]) -> None:
        """Whatever happens to the pictures, the training goes on, and the next epoch starts afresh."""
        try:
            do()
        except Exception as error:
            what = "the process ended" if isinstance(error, DrawingEnded) else type(error).__name__
            _log.warning("the pictures of an epoch could not be made: %s: %s", what, error)
            order, self._drawn = self._drawn, None
            self._drawer.end()
            if order is not None:
                drop_snapshot(order.target)
