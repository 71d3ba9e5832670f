"""A trained field and its VAE as one model, which says where it comes from and what it was not trained on.

Whoever trains both, by hand or in a search, ends here. Knows no tracker.
"""

from __future__ import annotations

from wallpaper.models.ode import TransitionODE
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.couplings import GroupPair
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_pairs import held_out_pairs

HELD_OUT = "held_out_pairs"
"""In a model's description: the pairs of groups that its field was not trained on."""


def whole_model(
    vae: SymmetryVAE, ode: TransitionODE, config: OdeConfig, *, vae_digest: str, data_digest: str, run_id: str
) -> TransitionModel:
    """Both as one model.

    Args:
        config: the field's training.
        run_id: the run that trained the field; empty if none is known.
    """
    info = {
        "vae_digest": vae_digest,
        "ode_digest": weights_digest(ode.state_dict()),
        "data_digest": data_digest,
        "run_id": run_id,
        HELD_OUT: held_out_pairs(config),
    }
    return TransitionModel(vae, ode, info)


def never_trained_pairs(model: TransitionModel) -> list[GroupPair]:
    """Ordered pairs of groups that the model's field was not trained on, as its training noted them."""
    return [(int(source), int(target)) for source, target in model.info.get(HELD_OUT, ())]
