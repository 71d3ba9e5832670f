"""What every few epochs of a training leave behind: pictures and metrics, drawn beside the training.

`EpochPictures` is a training's report; a process of low priority draws. Knows no tracker and no command.
"""

from wallpaper.epoch_pictures.places import epoch_folder
from wallpaper.epoch_pictures.schedule import EpochPictures
from wallpaper.epoch_pictures.separation import Separation, separation

__all__ = ["EpochPictures", "Separation", "epoch_folder", "separation"]
