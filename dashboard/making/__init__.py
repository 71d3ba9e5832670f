"""What the dashboard makes itself: models loaded once, transitions, their encoded frames, files to keep, an atlas.

Everything here blocks and knows no page and no MLflow; what is made is kept, within bounds, for as long as the
process lives.
"""

from dashboard.making.lengths import Lengths
from dashboard.making.maker import Maker, maker_of
from dashboard.making.models import SHIPPED, Choice
from dashboard.making.previews import Film
from dashboard.making.thumbnails import Thumbnail, thumbnails
from dashboard.making.transitions import Made, Wanted
from dashboard.making.uploads import RefusedPictureError, Start, read_start

__all__ = [
    "SHIPPED",
    "Choice",
    "Film",
    "Lengths",
    "Made",
    "Maker",
    "RefusedPictureError",
    "Start",
    "Thumbnail",
    "Wanted",
    "maker_of",
    "read_start",
    "thumbnails",
]
