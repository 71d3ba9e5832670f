"""Pictures: rendering with true angles, strips, animations, colours. Figures are in `pictures.figures`."""

from wallpaper.pictures.animation import write_animation, write_gif, write_mp4, write_png
from wallpaper.pictures.colours import BY_ROTATION, GROUP_COLOURS, MARKS, THEME, Mark
from wallpaper.pictures.element_sheet import element_sheet
from wallpaper.pictures.export import export_images
from wallpaper.pictures.kernel import sample
from wallpaper.pictures.overlay import overlay, render_with_elements
from wallpaper.pictures.placement import Placement, place
from wallpaper.pictures.render import Picture, picture_scale, render, render_many
from wallpaper.pictures.strip import spread, strip, tile

__all__ = [
    "BY_ROTATION",
    "GROUP_COLOURS",
    "MARKS",
    "THEME",
    "Mark",
    "Picture",
    "Placement",
    "element_sheet",
    "export_images",
    "overlay",
    "picture_scale",
    "place",
    "render",
    "render_many",
    "render_with_elements",
    "sample",
    "spread",
    "strip",
    "tile",
    "write_animation",
    "write_gif",
    "write_mp4",
    "write_png",
]
