"""The served model: rows of source and target groups in, transitions out. MLflow runs this file.

One answer a row. Weights come from the artifact folder, as safetensors: nothing is unpickled.
Requests come in several threads at once, so a call changes nothing that another sees.
"""

from __future__ import annotations

import base64
import io
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel
from PIL import Image

import serving.own_code  # noqa: F401  first: it decides where the library comes from
from serving.requests import BadRequest, Options, Request, parse_options, parse_requests
from serving.schema import ClientError, bad_request, internal_error
from wallpaper.models.transition_model import TransitionModel
from wallpaper.pictures.animation import write_gif, write_mp4
from wallpaper.pictures.render import Picture
from wallpaper.pictures.strip import spread, strip
from wallpaper.transition import Transition, pictures, transition, transition_from_seed

MEDIA_TYPES = {"png": "image/png", "strip": "image/png", "gif": "image/gif", "mp4": "video/mp4", "latent": None}
STRIP_FRAMES = 10
DURATION_S = 2.5


class TransitionService(PythonModel):
    """`predict` of the registered model."""

    def load_context(self, context: Any) -> None:
        """Load the weights; called once, before any request."""
        self.model = TransitionModel.load(Path(context.artifacts["model"]))
        self.about = dict(context.model_config or {})

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> list[Any]:
        """One answer for each row, in order. Raises: ClientError: with the HTTP status to answer with."""
        try:
            options = parse_options(params)
            requests = parse_requests(model_input.to_dict("records"), options, self.model.resolution)
            return [self.answer(request, options) for request in requests]
        except BadRequest as error:
            raise bad_request(error) from None
        except ClientError:
            raise
        except Exception:
            raise internal_error() from None

    def answer(self, request: Request, options: Options) -> dict[str, Any]:
        """One transition as plain data, with pictures as base64 text."""
        result = self._transition(request, options.n_frames)
        answer = {
            "source_group": result.source,
            "target_group": result.target,
            "common_subgroup": result.alignment.common_group,
            "times": result.times.tolist(),
            "latents": result.latents.tolist(),
            "lattices": [{"a": cell.a, "b": cell.b, "gamma": cell.gamma} for cell in result.lattices],
            "nfe": result.nfe,
            "path_length": result.path_length,
            "format": options.format,
            "media_type": MEDIA_TYPES[options.format],
            "model": self.about,
        }
        if options.format != "latent":
            drawn = pictures(result, size=options.size, cells=options.cells)
            answer |= (
                {"frames": [_png(frame) for frame in drawn]}
                if options.format == "png"
                else {"file": _file(drawn, options)}
            )
        return answer

    def _transition(self, request: Request, n_frames: int) -> Transition:
        if request.image is None:
            return transition_from_seed(
                self.model, request.source, request.target, seed=request.seed, n_frames=n_frames
            )
        image = torch.from_numpy(request.image.copy()).permute(2, 0, 1).float() / 255
        return transition(self.model, image, request.source, request.target, n_frames=n_frames)


def _file(frames: list[Picture], options: Options) -> str:
    """All frames as one file, in base64."""
    if options.format == "strip":
        return _png(strip([frames[index] for index in spread(len(frames), STRIP_FRAMES)]))
    duration = max(DURATION_S, 0.02 * len(frames))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"transition.{options.format}"
        if options.format == "gif":
            write_gif(path, frames, duration_s=duration)
        else:
            write_mp4(path, frames, fps=len(frames) / duration)
        return base64.b64encode(path.read_bytes()).decode("ascii")


def _png(picture: Picture) -> str:
    with io.BytesIO() as stream:
        Image.fromarray(picture).save(stream, format="PNG", compress_level=3)
        return base64.b64encode(stream.getvalue()).decode("ascii")


set_model(TransitionService())
