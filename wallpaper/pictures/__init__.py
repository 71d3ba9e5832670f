"""Pictures: rendering with true angles, strips, animations, colours. Figures are in `pictures.figures`."""

from wallpaper.pictures.animation import write_animation, write_gif, write_mp4, write_png
from wallpaper.pictures.colours import BY_ROTATION, GROUP_COLOURS, MARKS, THEME, Mark
from wallpaper.pictures.export import export_images
from wallpaper.pictures.kernel import sample
from wallpaper.pictures.render import Picture, picture_scale, render, render_many
from wallpaper.pictures.strip import spread, strip, tile

__all__ = [
    "BY_ROTATION",
    "GROUP_COLOURS",
    "MARKS",
    "THEME",
    "Mark",
    "Picture",
    "export_images",
    "picture_scale",
    "render",
    "render_many",
    "sample",
    "spread",
    "strip",
    "tile",
    "write_animation",
    "write_gif",
    "write_mp4",
    "write_png",
]
