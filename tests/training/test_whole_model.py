from __future__ import annotations

from pathlib import Path

from wallpaper.models.ode import TransitionODE
from wallpaper.models.transition_model import TransitionModel
from wallpaper.models.vae import SymmetryVAE
from wallpaper.training.checkpoint import weights_digest
from wallpaper.training.ode_config import OdeConfig
from wallpaper.training.ode_pairs import held_out_pairs
from wallpaper.training.whole_model import never_trained_pairs, whole_model


def test_a_saved_model_still_says_what_it_was_not_trained_on(tmp_path: Path) -> None:
    vae = SymmetryVAE(resolution=16, latent_dim=4, hidden_dims=(8, 8), pool="flatten")
    ode, config = TransitionODE(latent_dim=4, hidden_dim=16), OdeConfig(held_out_pairs=0.1, seed=3)
    model = whole_model(vae, ode, config, vae_digest="v", data_digest="d", run_id="r")
    loaded = TransitionModel.load(model.save(tmp_path / "model"))
    assert never_trained_pairs(loaded) == held_out_pairs(config)
    assert len(never_trained_pairs(loaded)) == 27
    assert loaded.info["ode_digest"] == weights_digest(loaded.ode.state_dict())
    assert (loaded.info["vae_digest"], loaded.info["data_digest"], loaded.info["run_id"]) == ("v", "d", "r")
