"""Whether what a search asks for can be had: processors, GPUs, shares of them, a cluster that answers.

Everything is refused at once and in a sentence; Ray itself would wait for ever. Knows no Ray.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from wallpaper.ray_address import check_answers


@dataclass(frozen=True, slots=True)
class Resources:
    """What a search may use, and what a trial takes of it."""

    gpus: int = 0
    gpus_per_trial: float = 1.0
    """A whole number, or less than 1: a share of one; only with `gpus`."""
    cpus_per_trial: int = 1
    concurrent: int = 0
    """Trials at the same time, at most; 0: as many as there is room for."""
    address: str = ""
    """Of a Ray cluster; empty: this machine."""
    simulate_gpus: bool = False
    """GPUs are only counted; trials train on CPUs."""

    @property
    def gpu_share(self) -> float:
        """GPUs of a trial, 0 if the search has none."""
        return self.gpus_per_trial if self.gpus else 0.0

    @property
    def processes(self) -> int:
        """Processes that train one model together, each on a GPU of its own; 1 where a trial has one device or less."""
        return max(1, int(self.gpu_share))

    @property
    def cpus(self) -> int:
        """Of a trial; where it is several processes, each has one, and so has the one that watches them."""
        return self.cpus_per_trial if self.processes == 1 else self.processes + 1

    def for_one_device(self) -> Resources:
        """The same for trials that can use one device alone."""
        return replace(self, gpus_per_trial=min(self.gpus_per_trial, 1.0))

    @property
    def device(self) -> str:
        """Where a trial computes."""
        return "cuda" if self.gpus and not self.simulate_gpus else "cpu"

    def check(self) -> None:
        """What can be said without a cluster. Raises: ValueError: it cannot be had."""
        share = self.gpus_per_trial
        if self.simulate_gpus and not self.gpus:
            raise ValueError("--simulate-gpus needs --gpus N: how many to count")
        if not (share > 0 and (share < 1 or share == int(share))):
            raise ValueError(
                f"--gpus-per-trial must be a whole number, or less than 1 for a share of one, but got {share:g}"
            )
        if self.gpus and share > self.gpus:
            raise ValueError(f"--gpus-per-trial {share:g}, but --gpus {self.gpus}; no trial could ever start")
        if self.address:
            check_answers(self.address)
            return
        found = torch.cuda.device_count()
        if self.gpus > found and not self.simulate_gpus:
            raise ValueError(
                f"--gpus {self.gpus}, but this machine has {found} CUDA device(s); --gpus 0 trains on the CPU, "
                "--address uses a cluster's, --simulate-gpus only tests placement"
            )
        cpus = os.cpu_count() or 1
        if self.cpus_per_trial > cpus:
            raise ValueError(f"--cpus-per-trial {self.cpus_per_trial}, but this machine has {cpus} CPU(s)")

    def room(self, nodes: Sequence[tuple[float, float]]) -> int:
        """Trials that fit at the same time on machines with so many CPUs and GPUs each, within what was asked for.

        Raises: ValueError: not even one.
        """
        if self.gpus > sum(gpus for _, gpus in nodes):
            raise ValueError(
                f"--gpus {self.gpus}, but the cluster has {sum(gpus for _, gpus in nodes):g}; --gpus 0 trains on CPUs"
            )
        fitting = sum(min(int(cpus // self.cpus), self._on_gpus(int(gpus))) for cpus, gpus in nodes)
        if not fitting:
            each = f"{self.cpus} CPU(s)" + (f" and {self.gpu_share:g} GPU(s)" if self.gpus else "")
            found = ", ".join(f"{cpus:g} and {gpus:g}" for cpus, gpus in nodes)
            raise ValueError(f"a trial needs {each} of one machine, but the machines have (CPUs and GPUs): {found}")
        return min(fitting, self._on_gpus(self.gpus), self.concurrent or fitting)

    def here(self) -> list[tuple[float, float]]:
        """This machine, with CPUs enough for all its GPUs' trials: they are what is scarce."""
        cpus = os.cpu_count() or 1
        if self.gpus:
            cpus = max(cpus, self._on_gpus(self.gpus) * self.cpus)
        return [(max(cpus, self.concurrent * self.cpus), self.gpus)]

    def _on_gpus(self, gpus: int) -> int:
        """Trials that so many GPUs take; as many as one likes if they need none."""
        if not self.gpus:
            return 10**6
        share = self.gpus_per_trial
        return gpus * int(1 / share + 1e-9) if share < 1 else gpus // int(share)
