"""What is in a pattern file: schema, counts, statistics, certificates, and the judge's word on it again.

Works on files of other tools without metadata: what a file does not tell is left out. Pictures of the plane are judged
by `analyse`, cells in the lattice frame by `identify`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from wallpaper.data.checks import open_file
from wallpaper.data.colour_labels import accuracies, colour_statistics
from wallpaper.data.fingerprints import FINEST, alike, fingerprint
from wallpaper.data.layout import StoreError
from wallpaper.data.splits import SPLIT_NAMES
from wallpaper.data.store import PatternStore
from wallpaper.judge import analyse, identify
from wallpaper.plane import GROUP_NAMES

Progress = Callable[[int, int], None]

SAMPLE = 1020
"""Patterns, drawn at random, whose pixels are looked at for the statistics."""

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722]) / 255


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group's share of a file; certificates are None where the file records none."""

    group: str
    count: int
    splits: dict[str, int]
    weakest_true: float | None
    strongest_false: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge says of one pattern that differs from its label."""

    index: int
    claimed: str
    found: str
    """The group, or the problem in the judge's words."""
    weakest_true: float | None
    strongest_false: float | None


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything `wallpaper inspect` says of a file."""

    path: str
    bytes: int
    schema: dict[str, str]
    """Type and shape of every dataset."""
    patterns: int
    side: int
    found: str
    """Type and range of the values."""
    pictures: bool
    """Whether the images are views of the plane and no cells in the lattice frame."""
    digest: str
    format_version: int | None
    settings: dict[str, Any]
    groups: tuple[GroupRow, ...]
    splits_problem: str | None
    """Why the splits cannot be read; None if they can."""
    columns: dict[str, dict[str, int]]
    """How often each value of motif type, complexity and palette occurs."""
    redraws: dict[str, int]
    """Designs refused while the file was made, by reason; empty if the file does not tell."""
    sampled: int
    """Patterns whose pixels were looked at for what follows."""
    contrast: dict[str, float]
    """Least, median and largest standard deviation of luminance."""
    alike: tuple[tuple[int, int, float], ...]
    """Pairs that look like one design, with their distance."""
    colour_accuracy: dict[str, float]
    """How often classifiers guess the group from colours alone; chance is one in the number of groups."""
    judged: int = 0
    """Patterns judged again."""
    differing: tuple[Verdict, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """In types that JSON knows."""
        return asdict(self)


def inspect_file(
    path: Path | str, *, certify: int = 0, progress: Progress = lambda done, total: None
) -> tuple[Inspection, PatternStore]:
    """Look into a file, and judge `certify` of its patterns again (drawn at random; -1 for all).

    Raises: StoreError: the file cannot be read as a file of patterns.
    """
    store = PatternStore(path, pictures=True)
    chosen = _some(len(store), SAMPLE)
    looks = [_look(store.pixels(index)) for index in chosen]
    again = _some(len(store), len(store) if certify < 0 else certify)
    splits, problem = _splits(store)
    contrast = np.array([look[0] for look in looks])
    found = Inspection(
        path=str(store.path),
        bytes=store.path.stat().st_size,
        schema=_schema(store.path),
        patterns=len(store),
        side=store.side,
        found=store.found,
        pictures=store.holds_pictures,
        digest=store.digest,
        format_version=store.attributes.get("format_version"),
        settings=store.settings,
        groups=tuple(_group_row(store, index, splits) for index in np.unique(store.labels).tolist()),
        splits_problem=problem,
        columns=_occurrences(store),
        redraws=_redraws(store),
        sampled=len(chosen),
        contrast={
            "least": float(contrast.min()),
            "median": float(np.median(contrast)),
            "largest": float(contrast.max()),
        },
        alike=_alike(chosen, [look[2] for look in looks]),
        colour_accuracy=_colour_accuracy(np.array([look[1] for look in looks]), store.labels[chosen]),
        judged=len(again),
        differing=_judge_again(store, again, progress),
    )
    return found, store


def _judge_again(store: PatternStore, indices: list[int], progress: Progress) -> tuple[Verdict, ...]:
    """The verdicts that differ from the labels."""
    differing = []
    for done, index in enumerate(indices, 1):
        claimed = GROUP_NAMES[store.labels[index]]
        verdict = _judge(store, index, claimed)
        if verdict.found != claimed:
            differing.append(verdict)
        progress(done, len(indices))
    return tuple(differing)


def _judge(store: PatternStore, index: int, claimed: str) -> Verdict:
    pixels = store.pixels(index)
    problem = None
    try:
        if store.holds_pictures:
            analysis = analyse(pixels)
            certificate, problem = analysis.certificate, analysis.problem
        else:
            certificate = identify(pixels, store.lattice(index))
    except ValueError:  # the pixels are sound, so only a flat pattern is left
        certificate, problem = None, "no contrast"
    if certificate is None:
        return Verdict(index, claimed, str(problem), None, None)
    return Verdict(index, claimed, certificate.group, certificate.weakest_true, certificate.strongest_false)


def _look(pixels: NDArray[np.uint8]) -> tuple[float, NDArray[np.float64], NDArray[np.float32]]:
    """Contrast, colour statistics and fingerprint of one pattern."""
    step = max(1, pixels.shape[0] // 64)
    few = pixels[::step, ::step]
    return float((few @ _LUMINANCE).std()), colour_statistics(few), _fingerprint(pixels)


def _fingerprint(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Empty for a pattern too small to have one."""
    return fingerprint(pixels) if len(pixels) >= 2 * FINEST else np.zeros(0, dtype=np.float32)


def _schema(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            layout = "contiguous" if item.chunks is None else f"chunks {item.chunks}"
            packed = f", {item.compression}" if item.compression else ""
            found[name] = f"{item.dtype} {item.shape}, {layout}{packed}"

    with open_file(path) as file:
        file.visititems(note)
    return found


def _splits(store: PatternStore) -> tuple[Mapping[str, NDArray[np.int64]], str | None]:
    try:
        return store.splits, None
    except StoreError as error:
        return {}, str(error)


def _group_row(store: PatternStore, label: int, splits: Mapping[str, NDArray[np.int64]]) -> GroupRow:
    rows = store.labels == label
    counts = {name: int(rows[splits[name]].sum()) for name in SPLIT_NAMES if name in splits}
    weakest, strongest = store.column("weakest_true"), store.column("strongest_false")
    return GroupRow(
        GROUP_NAMES[label],
        int(rows.sum()),
        counts,
        _extreme(np.min, weakest, rows),
        _extreme(np.max, strongest, rows),
    )


def _extreme(which: Callable[..., Any], column: NDArray[Any] | None, rows: NDArray[np.bool_]) -> float | None:
    """Least or largest of the recorded values; None where there is none."""
    known = np.array([]) if column is None else column[rows & ~np.isnan(column)]
    return float(which(known)) if len(known) else None


def _occurrences(store: PatternStore) -> dict[str, dict[str, int]]:
    found = {}
    for name in ("motif_type", "complexity", "palette"):
        column = store.column(name)
        if column is not None:
            texts = (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in column)
            found[name] = dict(sorted(Counter(texts).items()))
    return found


def _redraws(store: PatternStore) -> dict[str, int]:
    refused = store.column("refused")
    if refused is None or "faults" not in store.attributes:
        return {}
    return dict(zip(json.loads(store.attributes["faults"]), refused.sum(axis=0).tolist(), strict=True))


def _alike(chosen: list[int], prints: list[NDArray[np.float32]]) -> tuple[tuple[int, int, float], ...]:
    if len(chosen) < 2 or not len(prints[0]):
        return ()
    return tuple((chosen[i], chosen[j], distance) for i, j, distance in alike(prints))


def _colour_accuracy(features: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    """Nothing where a group has too few patterns to be learned."""
    known = np.bincount(labels)
    return accuracies(features, labels) if known[known > 0].min() >= 2 and (known > 0).sum() > 1 else {}


def _some(count: int, most: int) -> list[int]:
    """At most `most` of 0..count-1 in order, drawn at random but always the same: groups may take turns in a file."""
    return sorted(np.random.default_rng(0).permutation(count)[: max(most, 0)].tolist())
