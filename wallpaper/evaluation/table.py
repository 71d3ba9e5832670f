"""The evaluation as one table of lines: figures in groups, each beside its target and a mark whether it is met.

Text only; every number comes from `Evaluation.figures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wallpaper.evaluation.targets import Target
from wallpaper.evaluation.transport import Transport, off_one, over_floor
from wallpaper.evaluation.whole import Evaluation, FieldEvaluation
from wallpaper.plane import GROUP_NAMES
from wallpaper.training.transport_metrics import PairMetrics

MET, MISSED = "met", "MISSED"

CELL, BOUNDS = 9, 13
"""Characters of a column of figures, and of the targets'."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of figures."""

    label: str
    cells: tuple[str, ...]
    target: Target | None = None
    scale: float = 1
    """Of the cells, and so of the target's bounds."""
    note: str = ""
    """At the end of the line."""


@dataclass(frozen=True, slots=True)
class Section:
    """Lines that share their columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    wide: bool = False
    """Has more columns than the others, and keeps its labels short."""


def table(found: Evaluation, *, by_group: bool = True) -> str:
    """All sections as text, and how many targets are met."""
    parts = [part for part in sections(found) if by_group or not part.wide]
    width = max(_label_width(part) for part in parts if not part.wide)
    lines = [line for part in parts for line in ("", *_lines(part, _label_width(part) if part.wide else width))]
    reached = found.targets()
    return "\n".join([*lines[1:], "", f"Targets met: {sum(each.met for each in reached)} of {len(reached)}"])


def sections(found: Evaluation) -> Iterator[Section]:
    """The table's sections, in order."""
    row = _rows_of(found)
    yield _quality(found, row)
    yield _groups(found)
    yield _symmetry(found, row)
    if found.field is not None:
        yield _transport(found.field.transport, row)
        if found.field.transport.never_trained:
            yield _never_trained(row)
        yield _end_groups(found.field, row)


MakeRow = Callable[..., Row]


def _rows_of(found: Evaluation) -> MakeRow:
    """A function that makes a row of an evaluation's figures by their names."""
    figures, targets = found.figures(), {each.name: each for each in found.targets()}

    def row(label: str, form: str, *names: str, target: str = "", scale: float = 1, note: str = "") -> Row:
        """The target is that of the first figure unless another is named; what there is none of stays empty."""
        cells = (format(figures[name] * scale, form) if name in figures else "" for name in names)
        return Row(label, tuple(cells), targets.get(target or names[0]), scale, note)

    return row


def _quality(found: Evaluation, row: MakeRow) -> Section:
    ours, train = found.vae.quality

    def of(name: str, label: str, form: str) -> Row:
        cells = row(label, form, f"{name}_{ours.split}", f"{name}_train")
        gap = row(label, f"+{form}", f"{name}_gap").cells
        return Row(label, cells.cells + gap, cells.target)

    rows = (
        of("psnr", "PSNR of the mean squared error (dB)", ".2f"),
        of("psnr_mean", "PSNR, mean over patterns (dB)", ".2f"),
        of("linear_psnr", f"best linear code, {found.vae.linear_size} numbers (dB)", ".2f"),
        of("over_linear", "  the VAE is better by (dB)", ".2f"),
        of("linear_projected_psnr", "  projected on the group as well (dB)", ".2f"),
        of("ssim", "SSIM", ".3f"),
        of("spectrum_distance", "power spectrum, relative error", ".3f"),
        of("kl", "KL (nats)", ".1f"),
        of("active_dimensions", f"active dimensions of {found.vae.latent_dim}", ".0f"),
    )
    title = f"VAE, {ours.patterns} {ours.split} and {train.patterns} train patterns"
    return Section(title, (ours.split, "train", "gap"), rows)


def _groups(found: Evaluation) -> Section:
    train = found.vae.quality[1].by_group
    rows = []
    for group, ours in found.vae.quality[0].by_group.items():
        decibels = (
            f"{ours.psnr:.2f}",
            f"{train[group].psnr:.2f}",
            f"{ours.linear_psnr:.2f}",
            f"{ours.over_linear:+.2f}",
        )
        others = (f"{ours.ssim:.3f}", f"{ours.spectrum_distance:.3f}", f"{ours.kl:.1f}", f"{ours.active_dimensions}")
        rows.append(Row(group, decibels + others))
    columns = ("PSNR", "train", "linear", "margin", "SSIM", "spectrum", "KL", "active")
    return Section(f"VAE by group, {found.split}", columns, tuple(rows), wide=True)


def _symmetry(found: Evaluation, row: MakeRow) -> Section:
    rows = [
        row("mu under all operations, largest change", ".1e", "invariance"),
        row("  of patterns with noise, which they change", ".1e", "invariance_noise"),
        row("mu under origin shifts within the group", ".2f", "origin_shift_change", note="1: as another pattern"),
        row("mu under axis changes within the group", ".2f", "axis_change_change"),
        row("residual of decoded images", "g", "residual_decoded"),
        row("  as 8-bit images", "g", "residual_decoded_uint8"),
        row("decoded images judged exactly their group, %", ".1f", "judged_decoded", scale=100),
    ]
    if found.field is not None:
        count = found.field.frames.pairs
        rows += [
            row(f"residual of {count} first frames", "g", "residual_first_frames"),
            row("  inner frames, common subgroup", "g", "residual_inner_frames"),
            row("  last frames", "g", "residual_last_frames"),
        ]
    return Section("Symmetry", ("value",), tuple(rows))


def _transport(found: Transport, row: MakeRow) -> Section:
    furthest, off = max(found.pairs, key=over_floor), off_one(found.pairs)
    rows = (
        row("energy distance to held-out latents", ".3f", *_against_floor("energy_distance", "energy_floor")),
        row(
            "W2 to held-out latents", ".3f", *_against_floor("wasserstein2", "wasserstein2_floor"),
            target="wasserstein2_over_floor", note=_worst(over_floor(furthest), furthest),
        ),
        row(
            "variance over the target's", ".3f", "variance_ratio", "variance_ratio_floor",
            note=_worst(off.variance_ratio, off),
        ),
        row("  pairs outside 0.9 to 1.1", ".0f", "variance_outside", "variance_outside_floor"),
        row("  collapsed pairs, below 0.5", ".0f", "collapsed_pairs"),
        row("curvature of paths", ".4f", "curvature", note=_largest(found, "curvature")),
        row("length of paths", ".3f", "path_length"),
        row("cycle error, in spreads", ".3f", "cycle_error", note=_largest(found, "cycle_error")),
        row("evaluations of the field, fixed steps", ".0f", "nfe"),
        row("  dopri5", ".0f", "adaptive_nfe"),
        row("W2 of fixed steps off dopri5's, %", ".2g", "fixed_steps_change", scale=100),
    )  # fmt: skip
    return Section(f"Transport, {len(found.pairs)} ordered pairs", ("mean", "fresh", "ratio"), rows)


def _never_trained(row: MakeRow) -> Section:
    def of(name: str, label: str, form: str) -> Row:
        return row(label, form, f"never_trained/{name}", f"trained/{name}")

    rows = (
        of("pairs", "pairs", ".0f"),
        of("energy_distance_over_floor", "energy distance over that of fresh samples", ".3f"),
        of("wasserstein2_over_floor", "W2 over that of fresh samples", ".3f"),
        of("variance_ratio", "variance over the target's", ".3f"),
        of("collapsed_pairs", "collapsed pairs", ".0f"),
        of("curvature", "curvature of paths", ".4f"),
        of("classified", "latents classified, label withheld", ".3f"),
    )
    return Section("Pairs never trained", ("never", "trained"), rows)


def _end_groups(found: FieldEvaluation, row: MakeRow) -> Section:
    def withheld(label: str, name: str, note: str = "") -> Row:
        names = (f"withheld_{name}", f"withheld_{name}_control", "withheld_chance")
        return row(label, ".1f", *names, scale=100, note=note)

    allowed = f"noise allowed: {found.withheld.noise:.3f}"
    rows = (
        row("label given: last frames judged exactly it", ".1f", "judged_last_frames", scale=100),
        row("  first frames", ".1f", "judged_first_frames", scale=100),
        withheld("label withheld: latents classified", "classified"),
        withheld("  decoded without projection, judged", "judged", allowed),
    )
    return Section("Group at the end, %", ("ends", "real", "chance"), rows)


def _against_floor(name: str, floor: str) -> tuple[str, str, str]:
    return name, floor, f"{name}_over_floor"


def _worst(value: float, row: PairMetrics) -> str:
    return f"worst {value:.3f}: {GROUP_NAMES[row.source]} to {GROUP_NAMES[row.target]}"


def _largest(found: Transport, name: str) -> str:
    row = max(found.pairs, key=lambda each: float(getattr(each, name)))
    return _worst(getattr(row, name), row)


def _label_width(part: Section) -> int:
    return max(len(part.title), *(len(f"  {row.label}") for row in part.rows))


def _lines(part: Section, width: int) -> Iterator[str]:
    yield part.title.ljust(width) + "".join(column.rjust(CELL) for column in part.columns)
    columns = max(3, len(part.columns))
    for row in part.rows:
        line = f"  {row.label}".ljust(width) + "".join(cell.rjust(CELL) for cell in row.cells)
        line = line.ljust(width + columns * CELL + 3)
        if row.target is not None:
            line += row.target.bounds(row.scale).ljust(BOUNDS) + (MET if row.target.met else MISSED)
        yield (line.ljust(width + columns * CELL + 3 + BOUNDS + 8) + row.note).rstrip()
