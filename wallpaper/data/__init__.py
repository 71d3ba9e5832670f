"""Datasets on disk and in training: the pattern store, splits, cached latents and transition pairs."""

from wallpaper.data.generation import generate_dataset, sample_seed
from wallpaper.data.latents import Encoder, Latents, cached_latents, encode_all
from wallpaper.data.layout import FORMAT, FORMAT_VERSION, StoreError, partial_path
from wallpaper.data.pairs import MODES, Codec, EpochPairs, Mode, RealTransitionDataset
from wallpaper.data.splits import SPLIT_NAMES, SPLITS_FILE, load_splits, save_splits, stratified_split
from wallpaper.data.store import PatternStore
from wallpaper.data.writer import PatternWriter
from wallpaper.pattern_files import PIXEL_TYPES, PixelType

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "MODES",
    "PIXEL_TYPES",
    "SPLITS_FILE",
    "SPLIT_NAMES",
    "Codec",
    "Encoder",
    "EpochPairs",
    "Latents",
    "Mode",
    "PatternStore",
    "PatternWriter",
    "PixelType",
    "RealTransitionDataset",
    "StoreError",
    "cached_latents",
    "encode_all",
    "generate_dataset",
    "load_splits",
    "partial_path",
    "sample_seed",
    "save_splits",
    "stratified_split",
]
