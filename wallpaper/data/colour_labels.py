"""Whether colours alone tell the group: simple classifiers on colour statistics, by cross-validation.

In a fair dataset they stay at chance, 1/17, since palettes and their shares are drawn before the group is known: what
follows from a pattern must follow from its shapes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]

BINS = 4
"""Levels of each channel in the joint histogram: 64 colours."""

FOLDS = 5
NEIGHBOURS = 9
RIDGE = 0.01
"""Weight of the squared coefficients in the logistic regression: mild, features have unit variance."""


def colour_statistics(pixels: NDArray[np.uint8]) -> Floats:
    """(70,) of one cell (n, n, 3): square roots of a joint histogram's shares, channel means and deviations."""
    colours = pixels.reshape(-1, 3)
    codes = (colours.astype(np.int64) * BINS // 256) @ [BINS * BINS, BINS, 1]
    shares = np.sqrt(np.bincount(codes, minlength=BINS**3) / len(colours))
    return np.concatenate([shares, colours.mean(axis=0) / 255, colours.std(axis=0) / 255])


def accuracies(features: Floats, labels: Labels, seed: int = 0) -> dict[str, float]:
    """Share of right guesses of three classifiers on patterns that they were not fitted to.

    Args:
        features: (N, f), one row of `colour_statistics` a pattern.
        labels: (N,) group indices.
    Returns: by name: nearest centroid, nearest neighbours, logistic regression.
    Raises: ValueError: fewer than two patterns of some group that occurs.
    """
    known, codes = np.unique(labels, return_inverse=True)
    if np.bincount(codes).min() < 2:
        raise ValueError("each group needs at least 2 patterns to tell groups by colour; use more patterns")
    fold = _folds(codes, np.random.default_rng(seed))
    scaled = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-9)
    right = dict.fromkeys(_CLASSIFIERS, 0)
    for held in range(FOLDS):
        test = fold == held
        for name, classify in _CLASSIFIERS.items():
            guesses = classify(scaled[~test], codes[~test], scaled[test], len(known))
            right[name] += int((guesses == codes[test]).sum())
    return {name: count / len(labels) for name, count in right.items()}


def _folds(codes: Labels, generator: np.random.Generator) -> Labels:
    """(N,) fold of each pattern, every group spread evenly."""
    fold = np.empty(len(codes), dtype=np.int64)
    for code in np.unique(codes):
        rows = generator.permutation(np.flatnonzero(codes == code))
        fold[rows] = (np.arange(len(rows)) + code) % FOLDS
    return fold


def _centroids(train: Floats, codes: Labels, test: Floats, count: int) -> Labels:
    centres = np.stack([train[codes == code].mean(axis=0) for code in range(count)])
    return np.asarray(((test[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1))


def _neighbours(train: Floats, codes: Labels, test: Floats, count: int) -> Labels:
    distances = (train**2).sum(axis=1) - 2 * (test @ train.T)
    nearest = np.argpartition(distances, min(NEIGHBOURS, len(train)) - 1, axis=1)[:, :NEIGHBOURS]
    votes = np.stack([np.bincount(row, minlength=count) for row in codes[nearest]])
    return np.asarray(votes.argmax(axis=1))


def _logistic(train: Floats, codes: Labels, test: Floats, count: int) -> Labels:
    """Multinomial logistic regression, fitted by L-BFGS."""
    inputs = np.concatenate([train, np.ones((len(train), 1))], axis=1)
    truth = np.eye(count)[codes]

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(-1, count)
        scores = inputs @ weights
        value = -(truth * log_softmax(scores, axis=1)).sum() / len(train) + RIDGE / 2 * (weights**2).sum()
        slope = inputs.T @ (softmax(scores, axis=1) - truth) / len(train) + RIDGE * weights
        return float(value), slope.ravel()

    found = minimize(loss, np.zeros(inputs.shape[1] * count), jac=True, method="L-BFGS-B", options={"maxiter": 60})
    scores = np.concatenate([test, np.ones((len(test), 1))], axis=1) @ found.x.reshape(-1, count)
    return np.asarray(scores.argmax(axis=1))


_CLASSIFIERS = {
    "nearest centroid": _centroids,
    f"{NEIGHBOURS} nearest neighbours": _neighbours,
    "logistic regression": _logistic,
}
