"""The files of a transition model's folder, by name.

Apart from `models.transition_model`, which reads and writes them: to look for a model takes no torch.
"""

from __future__ import annotations

DESCRIPTION = "model.json"
"""Written last: a folder that has it is whole."""

FILES = (DESCRIPTION, "vae.safetensors", "ode.safetensors")
