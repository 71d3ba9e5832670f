"""How fast transitions are served, and whether load is borne: stages of an answer, latencies, memory, throughput.

`python -m benchmarks.serving` registers the model that comes with the package in a store of its own, serves it as
`mlflow models serve` does on this machine alone, and asks it for 16 frames of 256 pixels; or with `--port` asks a
server that is there (stages are then those of this process, its processor time unknown).

Predictions, written before the first run, for two processors with nothing else to do: one client gets its frames in
150 ms (median) and 400 ms (99th percentile), its latents alone in 15 ms; many clients meet no error, the server's
memory grows by at most 5 %, and it answers 0.8 times as often as its processor time allows. Exits 1 if one fails.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import statistics
import sys
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import psutil
import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measuring import FILE, Findings, begin, checked_file, median_ms
from benchmarks.serving_server import registered, serving
from serving.answers import pngs
from serving.png import png
from wallpaper.frames import decode_fields
from wallpaper.models.transition_model import TransitionModel
from wallpaper.patterns import generate_pattern
from wallpaper.pictures.render import Picture
from wallpaper.transition import Transition, encode, latent_path, pictures, show

SHIPPED = Path(__file__).resolve().parents[1] / "wallpaper" / "shipped"

FRAMES, SIZE, CELLS = 16, 256, 2.5
ROW = {"source_group": "p1", "target_group": "p6m"}
PILLOW = "PNG by Pillow"
SEEDS = 8
"""Different patterns that are asked for in turn."""

MEDIAN_MS, SLOWEST_MS, LATENTS_MS, GROWTH, SHARE = 150.0, 400.0, 15.0, 0.05, 0.8


@dataclass
class Load:
    """What some clients saw in some time."""

    clients: int
    seconds: float
    milliseconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the answers did not exceed."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def per_second(self) -> float:
        """Answers."""
        return len(self.milliseconds) / self.seconds


def ask(port: int, clients: int, seconds: float, params: dict[str, object]) -> Load:
    """Let so many clients ask, each again as soon as it has its answer."""
    load, lock = Load(clients, seconds), threading.Lock()
    until = time.monotonic() + seconds

    def client(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        count = number
        while time.monotonic() < until:
            row, count = {**ROW, "seed": count % SEEDS}, count + 1
            started = time.perf_counter()
            try:
                body = json.dumps({"dataframe_records": [row], "params": params})
                connection.request("POST", "/invocations", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                problem = "" if answer.status == 200 else str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                problem = type(error).__name__
                connection.close()
            took = 1e3 * (time.perf_counter() - started)
            with lock:
                load.errors.update([problem] if problem else [])
                load.milliseconds.append(took)

    started = time.perf_counter()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - started
    return load


def stages(found: Findings, repeats: int) -> None:
    """Processor time of an answer's parts in this process, beside what the decoder's operations take at best."""
    model = TransitionModel.load(SHIPPED)
    pattern = generate_pattern("p1", 3, model.resolution)
    image = torch.from_numpy(pattern.pixels).permute(2, 0, 1).float() / 255
    with torch.no_grad():
        start = encode(model, image, "p1")
        path = latent_path(model, start, "p1", "p6m", lattice=pattern.lattice, n_frames=FRAMES)
        (result,) = show(model, [path])
        drawn = pictures(result, size=SIZE, cells=CELLS)
        spent = median_ms(
            {
                "pattern of the seed": lambda: generate_pattern("p1", 3, model.resolution),
                "encode": lambda: encode(model, image, "p1"),
                "ODE": lambda: latent_path(model, start, "p1", "p6m", lattice=pattern.lattice, n_frames=FRAMES),
                "decode": lambda: decode_fields(model.vae, path.latents),
                "project, blend, colour": lambda: _coloured(model, result),
                "render": lambda: pictures(result, size=SIZE, cells=CELLS),
                "PNG and base64": lambda: pngs(drawn),
                PILLOW: lambda: [_by_pillow(picture) for picture in drawn],
            },
            repeats=repeats,
        )
        operations = _operations(model, path.latents)
        floor = operations / _rate(repeats)
    spent["project, blend, colour"] -= spent["decode"]
    pillow = spent.pop(PILLOW)
    larger = sum(map(len, map(png, drawn))) / sum(map(len, map(_by_pillow, drawn))) - 1
    total = sum(spent.values())
    rows = [{"stage": name, "CPU ms": ms, "%": 100 * ms / total} for name, ms in spent.items()]
    rows += [{"stage": "all", "CPU ms": total, "%": 100.0}, {"stage": "floor of decode", "CPU ms": floor, "%": None}]
    note = (
        f"floor: the decoder's {operations / 1e9:.2f}e9 operations at the rate of this machine's convolutions of 64 "
        f"channels; decode is {spent['decode'] / floor:.1f} times it, everything {total / floor:.1f} times\n"
        f"PNG by Pillow, run lengths: {pillow:.0f} ms, {pillow / spent['PNG and base64']:.1f} times as much; the files "
        f"here are {100 * larger:.0f} % larger"
    )
    found.table(f"An answer of {FRAMES} frames of {SIZE} pixels, one thread of torch", rows, note)


def _by_pillow(picture: Picture) -> bytes:
    """The quickest that Pillow has for such pictures."""
    with io.BytesIO() as stream:
        Image.fromarray(picture).save(stream, format="PNG", compress_level=1, compress_type=zlib.Z_RLE)
        return stream.getvalue()


def _coloured(model: TransitionModel, result: Transition) -> Transition:
    """Decoded, and all that makes frames of fields."""
    return show(model, [result])[0]


def _operations(model: TransitionModel, latents: torch.Tensor) -> float:
    """Floating-point operations of decoding a path."""
    with FlopCounterMode(display=False) as counter:
        decode_fields(model.vae, latents)
    return float(counter.get_total_flops())


def _rate(repeats: int) -> float:
    """Operations a millisecond of convolutions as large as they pay."""
    image, weight = torch.randn(4, 64, 64, 64), torch.randn(64, 64, 3, 3)
    (ms,) = median_ms({"": lambda: torch.nn.functional.conv2d(image, weight, padding=1)}, repeats=repeats).values()
    return float(2 * image.numel() * 64 * 9 / ms)


@dataclass
class Watch:
    """A server's processes."""

    process: psutil.Process | None

    def memory(self) -> float:
        """MB of all its processes."""
        return float(sum(each.memory_info().rss for each in self._all()) / 1e6)

    def processor_seconds(self) -> float:
        """Of all its processes."""
        return float(sum(sum(each.cpu_times()[:2]) for each in self._all()))

    def _all(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)] if self.process else []


def under_load(found: Findings, port: int, watch: Watch, clients: list[int], seconds: float, quick: float) -> None:
    """Latencies of one and of several clients, then of the latents alone; memory and processor time on the way."""
    ask(port, 2, 3, {"n_frames": FRAMES})  # what is loaded once is loaded
    rows: list[dict[str, Any]] = []
    loads: dict[tuple[str, int], Load] = {}
    asked: dict[str, dict[str, object]] = {
        "frames": {"n_frames": FRAMES, "size": SIZE, "cells": CELLS},
        "latents": {"n_frames": FRAMES, "format": "latent"},
    }
    for what, params in asked.items():
        for count in clients if what == "frames" else clients[:1]:
            before, spent = watch.memory(), watch.processor_seconds()
            load = ask(port, count, seconds if count == clients[-1] and what == "frames" else quick, params)
            loads[what, count] = load
            spent, grown = watch.processor_seconds() - spent, watch.memory() / before - 1 if before else None
            each = spent / len(load.milliseconds)
            possible = (os.cpu_count() or 1) / each if each else None
            rows.append({
                "asked for": what, "clients": count, "answers": len(load.milliseconds), "errors": load.errors.total(),
                "p50 ms": load.percentile(0.5), "p99 ms": load.percentile(0.99), "a second": load.per_second,
                "CPU ms each": 1e3 * each or None,
                "of what CPUs allow": load.per_second / possible if possible else None,
                "memory grew %": None if grown is None else 100 * grown,
            })  # fmt: skip
    found.table(f"Over HTTP: {FRAMES} frames of {SIZE} pixels as PNG", rows)
    one, many, alone = loads["frames", clients[0]], rows[len(clients) - 1], loads["latents", clients[0]]
    found.predict(
        f"one client: median {MEDIAN_MS:g} ms", one.percentile(0.5) <= MEDIAN_MS, f"{one.percentile(0.5):.0f}"
    )
    found.predict(
        f"one client: 99th percentile {SLOWEST_MS:g} ms",
        one.percentile(0.99) <= SLOWEST_MS,
        f"{one.percentile(0.99):.0f}",
    )
    median = statistics.median(alone.milliseconds)
    found.predict(f"latents alone: {LATENTS_MS:g} ms", median <= LATENTS_MS, f"{median:.0f}")
    errors = sum((load.errors for load in loads.values()), Counter())
    found.predict("no error", not errors, str(dict(errors)))
    if many["memory grew %"] is not None:
        grew, share = many["memory grew %"], many["of what CPUs allow"]
        found.predict(f"memory grows by {100 * GROWTH:g} % at most", grew <= 100 * GROWTH, f"{grew:.1f} %")
        found.predict(f"{SHARE:g} of what the CPUs allow", share >= SHARE, f"{share:.2f}")


@contextmanager
def own_server() -> Iterator[tuple[int, psutil.Process]]:
    """The shipped model, registered and served."""
    with TemporaryDirectory() as name:
        environment = registered(SHIPPED, Path(name))
        with serving(Path(name), environment) as (port, process):
            yield port, psutil.Process(process.pid)


@click.command(context_settings={"show_default": True})
@click.option("--port", type=click.IntRange(1, 65535), default=None, help="Of a server on this machine. [default: own]")
@click.option(
    "--clients", type=click.IntRange(1), multiple=True, default=(1, 4, 16), help="At a time; may be repeated."
)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60.0, help="Of the last, largest number of clients.")
@click.option("--quick-seconds", type=click.FloatRange(1, 600), default=20.0, help="Of each of the others.")
@click.option("--repeats", type=click.IntRange(1), default=7, help="Of each stage.")
@click.option("--json", "path", type=FILE, callback=checked_file, help="Also write all figures here.")
def main(
    port: int | None, clients: tuple[int, ...], seconds: float, quick_seconds: float, repeats: int, path: Path | None
) -> None:
    """Stages of an answer, latencies, memory and throughput of a server on this machine."""
    found = begin("python -m benchmarks.serving", "cpu", 1)
    stages(found, repeats)
    with own_server() if port is None else nullcontext((port, None)) as (at, process):
        under_load(found, at, Watch(process), sorted(set(clients)), seconds, quick_seconds)
    sys.exit(found.close(path))


if __name__ == "__main__":
    main()
