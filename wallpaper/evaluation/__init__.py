"""What a trained model can do, measured: reconstruction, symmetry, and transport between the groups.

Figures of held-out patterns stand beside those of the train split, of the best linear code, of fresh samples and of
real latents: none means much alone. Knows no tracker.
"""

from wallpaper.evaluation.record import Record, read_record, weights_of, write_record
from wallpaper.evaluation.table import table
from wallpaper.evaluation.whole import Evaluation, evaluate, evaluate_vae

__all__ = ["Evaluation", "Record", "evaluate", "evaluate_vae", "read_record", "table", "weights_of", "write_record"]
