"""The pair that makes transitions, a VAE and an ODE over its latents, as one folder of plain files.

`vae.safetensors` and `ode.safetensors` hold the weights, `model.json` the arguments that build the
two networks again and where they come from. Loading runs no code from the folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from torch import Tensor, nn

from wallpaper.model_files import DESCRIPTION
from wallpaper.models.at_most import SENSELESS, AtMostWeights, count_of
from wallpaper.models.ode import TransitionODE
from wallpaper.models.vae import SymmetryVAE

FORMAT = "wallpaper-transition-model"
VERSION = 1


@dataclass(frozen=True, slots=True, eq=False)
class TransitionModel:
    """A trained VAE with a trained ODE over its latents, both in evaluation mode on one device."""

    vae: SymmetryVAE
    ode: TransitionODE
    info: dict[str, Any] = field(default_factory=dict)
    """Where the model comes from: plain data, such as run ids, digests and figures."""

    def __post_init__(self) -> None:
        if self.vae.latent_dim != self.ode.latent_dim:
            raise ValueError(
                f"`vae.latent_dim == ode.latent_dim` must hold, but got {self.vae.latent_dim} and "
                f"{self.ode.latent_dim}; train the ODE on this VAE"
            )
        self.vae.eval()
        self.ode.eval()

    @property
    def resolution(self) -> int:
        """Samples n along each side of a cell."""
        return self.vae.resolution

    def save(self, folder: Path, *, half: bool = False) -> Path:
        """Write the three files, `model.json` last: a folder that has it is whole. Returns `folder`.

        Args: half: store float16, half the size; loading computes in float32 again, from the rounded weights.
        """
        folder.mkdir(parents=True, exist_ok=True)
        (folder / DESCRIPTION).unlink(missing_ok=True)
        for name, module in (("vae", self.vae), ("ode", self.ode)):
            weights = {
                key: (value.half() if half and value.is_floating_point() else value).detach().cpu().contiguous()
                for key, value in module.state_dict().items()
            }
            safetensors.torch.save_file(weights, folder / f"{name}.safetensors")
        description = {
            "format": FORMAT,
            "version": VERSION,
            "vae": {**self.vae.settings, "hidden_dims": list(self.vae.settings["hidden_dims"])},
            "ode": self.ode.options(),
            "info": self.info,
        }
        partial = folder / f"{DESCRIPTION}.partial"
        partial.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        os.replace(partial, folder / DESCRIPTION)
        return folder

    @classmethod
    def load(cls, folder: Path) -> TransitionModel:
        """Read what `save` wrote, onto the CPU.

        Raises: FileNotFoundError: no model there. ValueError: another format, or damaged; names the file.
        """
        description = _description(folder / DESCRIPTION)
        paths = {name: folder / f"{name}.safetensors" for name in ("vae", "ode")}
        weights = {name: _weights(path) for name, path in paths.items()}
        try:
            with AtMostWeights(count_of(weights["vae"])):
                vae = SymmetryVAE(**description["vae"])
            with AtMostWeights(count_of(weights["ode"])):
                ode = TransitionODE(**description["ode"])
        except SENSELESS as error:
            raise ValueError(f"{folder / DESCRIPTION} must describe a VAE and an ODE, but does not: {error}") from error
        _load_weights(vae, weights["vae"], paths["vae"])
        _load_weights(ode, weights["ode"], paths["ode"])
        return cls(vae, ode, dict(description.get("info", {})))


def _description(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(
            f"no transition model at {path.parent}: {path.name} is missing; train one or give another folder"
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} must be JSON, but is damaged: {error}") from error
    if not isinstance(found, dict) or (found.get("format"), found.get("version")) != (FORMAT, VERSION):
        raise ValueError(f"{path} must have format {FORMAT!r} and version {VERSION}; this is not a transition model")
    return found


def _weights(path: Path) -> Mapping[str, Tensor]:
    try:
        return safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(f"{path} must hold this model's weights, but does not: {error}") from error


def _load_weights(module: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    try:
        module.load_state_dict(dict(weights))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()  # torch's first line only says that there are errors
        raise ValueError(f"{path} must hold this model's weights, but does not: {reason}") from error
