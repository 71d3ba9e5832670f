"""The judge of symmetry: which plane group a pattern or a picture really has. Shares no code with what makes them."""

from wallpaper.judge.analyse import analyse
from wallpaper.judge.analysis import ADVICE, Analysis
from wallpaper.judge.certificate import Certificate, Frame, MeasuredOperation
from wallpaper.judge.identify import identify
from wallpaper.judge.reading import read_picture

__all__ = ["ADVICE", "Analysis", "Certificate", "Frame", "MeasuredOperation", "analyse", "identify", "read_picture"]
