"""Addresses of what the dashboard makes: frames, files to keep, the atlas; and the script and style that show them.

Addresses of frames hold a token that names all that went into them, so what is behind one never changes.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import HTTPException
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from nicegui import app, run, ui

from dashboard.making import Maker, maker_of
from dashboard.making.atlas import picture
from dashboard.making.files import KINDS
from dashboard.making.transitions import FRAMES, about
from dashboard.store import Store
from dashboard.views.transitions import spectrum_drawing, spectrum_legend, way_drawing
from wallpaper.pictures.strip import spread
from wallpaper.plane import GROUP_NAMES

STATIC = Path(__file__).with_name("static")

STOPS = 8
"""Frames in the strip below the player."""

FOREVER = {"Cache-Control": "private, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
GONE = "This transition is kept no longer: press Generate."


def register(store: Store) -> None:
    """Add the routes to the process's one NiceGUI app, and the player to its pages."""
    script = "\n".join(
        (STATIC / name).read_text(encoding="utf-8") for name in ("elements.js", "player.js", "matrix.js", "latent.js")
    )
    ui.add_head_html(f"<script>{script}</script>", shared=True)
    ui.add_head_html(f"<style>{(STATIC / 'making.css').read_text(encoding='utf-8')}</style>", shared=True)
    _transitions(maker_of(store))
    _previews(maker_of(store))
    _atlas()


def _transitions(maker: Maker) -> None:
    @app.get("/made/{token}/about.json")
    async def describe(token: str) -> Response:
        if maker.made(token) is None:
            return PlainTextResponse(GONE, 404)
        return JSONResponse(await run.io_bound(_told, maker, token), headers=FOREVER)

    @app.get("/made/{token}/{index}.jpg")
    def frame(token: str, index: int) -> Response:
        made = maker.made(token)
        if made is None or not 0 <= index < len(made.frames):
            return PlainTextResponse(GONE, 404)
        return Response(made.frames[index], media_type="image/jpeg", headers=FOREVER)

    @app.get("/made/{token}/keep/{kind}")
    async def keep(token: str, kind: str, frame: int = 0) -> Response:
        if kind not in KINDS or not 0 <= frame < FRAMES:
            raise HTTPException(404)
        at = frame if kind.startswith("tile") else 0
        try:
            content = await run.io_bound(maker.file, token, kind, at)
        except ValueError as error:
            return PlainTextResponse(str(error), 422)
        if content is None:
            return PlainTextResponse(GONE, 404)
        return Response(content, media_type=KINDS[kind], headers=FOREVER | {"Content-Security-Policy": "sandbox"})


def _previews(maker: Maker) -> None:
    @app.get("/preview/{token}/{source}/{target}.jpg")
    async def preview(token: str, source: str, target: str) -> Response:
        if source == target or not {source, target} <= set(GROUP_NAMES):
            raise HTTPException(404)
        try:
            content = await run.io_bound(maker.preview, token, source, target)
        except (ValueError, RuntimeError):  # no model, or no pattern: the page says so where it is asked to generate
            content = None
        if content is None:
            return Response(status_code=204)
        return Response(content, media_type="image/jpeg", headers=FOREVER)


def _told(maker: Maker, token: str) -> dict[str, object]:
    made = maker.made(token)
    if made is None:
        return {}
    stops = spread(len(made.frames), STOPS)
    result = made.result
    way = way_drawing(result.latents.cpu().numpy(), result.source, result.target, stops)
    return about(made) | {
        "stops": stops,
        "spectrum": spectrum_drawing(made.spectrum),
        "legend": spectrum_legend(made.spectrum),
        "way": way.drawing,
        "places": [[round(x, 4), round(y, 4)] for x, y in way.places],
        "share": way.share,
    }


def _atlas() -> None:
    @app.get("/atlas/{group}/{kind}.png")
    async def drawn(group: str, kind: str, seed: int = 0, by: str = "x,y", size: int = 360) -> Response:
        try:
            content = await run.io_bound(picture, group, seed, kind, by, size)
        except (ValueError, RuntimeError):  # the latter: a seed with no acceptable pattern
            raise HTTPException(404) from None
        return Response(content, media_type="image/png", headers=FOREVER)
