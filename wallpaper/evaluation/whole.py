"""The whole evaluation of a model or of a VAE alone, part after part, and its figures under one set of names.

Encodes each pattern once; every part gets what it needs of that. Knows no tracker.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from wallpaper.data import PatternStore
from wallpaper.evaluation.autoencoder import SplitQuality, measure_quality, train_blocks
from wallpaper.evaluation.codes import Codes, batches, encode, first_of_each
from wallpaper.evaluation.exactness import DecodedSymmetry, FrameSymmetry, measure_decoded, measure_frames
from wallpaper.evaluation.invariance import Invariance, measure_invariance
from wallpaper.evaluation.linear_code import PASSES, fit_linear_code
from wallpaper.evaluation.targets import Target, targets
from wallpaper.evaluation.transport import POINTS, Transport, measure_transport, transport_metrics
from wallpaper.evaluation.withheld import CONTROLS, Withheld, measure_withheld
from wallpaper.evaluation.work import Progress, Work
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.transport_metrics import ROWS

RECONSTRUCTED = 40
"""Patterns of each group and split that are reconstructed, at most."""

CLASSIFIED = 240
"""Train patterns of each group that the classifier of latents is fitted to, at most."""

SHARES = {"encode": 10, "linear": 8, "reconstruct": 9, "invariance": 2, "decoded": 3}
SHARES_OF_TRANSITIONS = {"frames": 13, "solve": 14, "withheld": 15}
"""Seconds that the parts take, about: only the progress depends on them."""


@dataclass(frozen=True, slots=True)
class VaeEvaluation:
    """A VAE on one dataset."""

    latent_dim: int
    resolution: int
    quality: tuple[SplitQuality, SplitQuality]
    """Of the split asked for, and of the train split."""
    linear_size: int
    """Components of the linear code: the latent dimension, or as many as there are train patterns less one."""
    invariance: Invariance
    decoded: DecodedSymmetry


@dataclass(frozen=True, slots=True)
class FieldEvaluation:
    """A transition field on a VAE's latents."""

    frames: FrameSymmetry
    transport: Transport
    withheld: Withheld


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One model on one dataset."""

    vae: VaeEvaluation
    field: FieldEvaluation | None
    """None for a VAE alone."""

    @property
    def split(self) -> str:
        """The split asked for."""
        return self.vae.quality[0].split

    def figures(self) -> dict[str, float]:
        """All that is one number, by name."""
        return _vae_figures(self.vae) | (_field_figures(self.field) if self.field else {})

    def by_group(self) -> dict[str, dict[str, float]]:
        """Figures of the patterns of each group in the split asked for, by group and name."""
        return {group: found.figures() for group, found in self.vae.quality[0].by_group.items()}

    def targets(self) -> tuple[Target, ...]:
        """What the figures are to reach."""
        vae = self.vae
        return targets(self.figures(), split=self.split, latent_dim=vae.latent_dim, resolution=vae.resolution)

    def metrics(self) -> dict[str, float]:
        """Flat numbers for a tracker: all figures under "eval/", those of each group under "eval_groups/"."""
        reached = self.targets()
        flat = {f"eval/{name}": float(value) for name, value in self.figures().items()}
        flat |= {"eval/targets": float(len(reached)), "eval/targets_met": float(sum(each.met for each in reached))}
        for group, figures in self.by_group().items():
            flat |= {f"eval_groups/{name}/{group}": float(value) for name, value in figures.items()}
        return flat

    def to_mapping(self) -> dict[str, Any]:
        """Everything as plain data."""
        reached = [{**asdict(each), "met": each.met} for each in self.targets()]
        return {**asdict(self), "targets": reached, "metrics": self.metrics()}


def evaluate(
    model: TransitionModel,
    store: PatternStore,
    *,
    split: str = "test",
    never_trained: Sequence[tuple[int, int]] = (),
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Measure a model on a split of a dataset, with its training split beside it.

    Args:
        store: patterns of the model's resolution or a multiple of it.
        split: "test" or "val"; the other one gives the fresh samples of the floors.
        never_trained: ordered pairs of groups that the model's field was not trained on, reported apart.
        progress: gets (percent done, 100).
    Raises: ValueError: the store's side does not fit, it holds one group alone, or a group has fewer than two
        patterns in a split.
    """
    # What does not fit is said before anything is computed.
    if len(np.unique(store.labels)) < 2:
        raise ValueError(f"{store.path} must hold patterns of two groups at least, to go from one to the other")
    fresh_rows = first_of_each(store, "val" if split == "test" else "test", POINTS)
    work = Work(SHARES | SHARES_OF_TRANSITIONS, progress)
    vae, held_out, train = _evaluate_vae(model.vae, store, split, work, CLASSIFIED)
    fresh = encode(model.vae, store, fresh_rows, lambda: None)
    latents = held_out.latents()
    groups = len(held_out.labels.unique())
    pairs = groups * (groups - 1)
    frames = measure_frames(model, latents, work.part("frames", pairs))
    solving = work.part("solve", 3 * -(-pairs * min(POINTS, len(latents) // groups) // ROWS))
    transport, carried = measure_transport(
        model.ode, latents, fresh.latents(), never_trained=never_trained, tick=solving
    )
    judging = work.part("withheld", pairs + CONTROLS * groups)
    withheld = measure_withheld(model.vae, store, train, held_out, carried, judging)
    work.finish()
    return Evaluation(vae, FieldEvaluation(frames, transport, withheld))


def evaluate_vae(
    vae: SymmetryVAE, store: PatternStore, *, split: str = "test", progress: Progress = lambda done, total: None
) -> Evaluation:
    """The part of `evaluate` that needs no transition field, for a VAE in evaluation mode."""
    work = Work(SHARES, progress)
    found, _, _ = _evaluate_vae(vae, store, split, work, RECONSTRUCTED)
    work.finish()
    return Evaluation(found, None)


def _evaluate_vae(
    vae: SymmetryVAE, store: PatternStore, split: str, work: Work, train_codes: int
) -> tuple[VaeEvaluation, Codes, Codes]:
    """Also the codes of the split, and of the first `train_codes` of each group in the train split."""
    rows = [first_of_each(store, name, most) for name, most in ((split, RECONSTRUCTED), ("train", train_codes))]
    encoding = work.part("encode", sum(batches(len(each)) for each in rows))
    held_out, train = (encode(vae, store, each, encoding) for each in rows)
    generator = torch.Generator().manual_seed(0)
    blocks = train_blocks(store, vae.resolution)
    linear = fit_linear_code(blocks, vae.latent_dim, generator=generator, tick=work.part("linear", PASSES + 1))
    parts = ((split, held_out), ("train", train.first(RECONSTRUCTED)))
    decoding = work.part("reconstruct", sum(batches(len(codes.index)) for _, codes in parts))
    quality = [measure_quality(vae, store, codes, name, linear, decoding) for name, codes in parts]
    groups = len(held_out.labels.unique())
    moving = work.part("invariance", groups)
    invariance = measure_invariance(vae, store, held_out, generator=generator, tick=moving)
    decoded = measure_decoded(vae, held_out.latents(), work.part("decoded", groups))
    found = VaeEvaluation(vae.latent_dim, vae.resolution, (quality[0], quality[1]), linear.size, invariance, decoded)
    return found, held_out, train


def _vae_figures(found: VaeEvaluation) -> dict[str, float]:
    flat: dict[str, float] = {}
    ours, train = (each.overall.figures() for each in found.quality)
    for each in found.quality:
        flat |= {f"{name}_{each.split}": value for name, value in each.overall.figures().items()}
    flat |= {f"{name}_gap": train[name] - ours[name] for name in ours}
    return flat | {
        "linear_size": found.linear_size,
        "invariance": found.invariance.operations,
        "invariance_noise": found.invariance.operations_of_noise,
        "origin_shift_change": found.invariance.origin_shifts,
        "axis_change_change": found.invariance.axis_changes,
        "residual_decoded": found.decoded.residual,
        "residual_decoded_uint8": found.decoded.residual_uint8,
        "judged_decoded": found.decoded.judged,
    }


def _field_figures(found: FieldEvaluation) -> dict[str, float]:
    frames, withheld = found.frames, found.withheld
    flat = transport_metrics(found.transport)
    for name, trained in (("never_trained", False), ("trained", True)) if found.transport.never_trained else ():
        rows = set(found.transport.rows(trained=trained))
        shares = [
            share for row, share in zip(found.transport.pairs, withheld.classified_pairs, strict=True) if row in rows
        ]
        flat |= {f"{name}/classified": sum(shares) / len(shares)} if shares else {}
    return flat | {
        "residual_first_frames": frames.residual_first,
        "residual_last_frames": frames.residual_last,
        "residual_inner_frames": frames.residual_inner,
        "judged_first_frames": frames.judged_first,
        "judged_last_frames": frames.judged_last,
        "withheld_noise": withheld.noise,
        "withheld_judged": withheld.judged,
        "withheld_judged_control": withheld.judged_control,
        "withheld_classified": withheld.classified,
        "withheld_classified_control": withheld.classified_control,
        "withheld_classified_worst": min(withheld.classified_pairs),
        "withheld_chance": withheld.chance,
    }
