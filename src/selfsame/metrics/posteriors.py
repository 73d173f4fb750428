"""How good probabilities of several classes are: calibration error, Brier score, log loss."""

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""As in the source of the calibration error."""

SMALLEST_PROBABILITY = 1e-12
"""A true class of probability 0 would cost an infinite log loss; this one costs 27.6."""


def calibration_error(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Compute the expected calibration error: sum over bins of share x |accuracy - mean confidence|.

    Bins are of equal width. A perfectly calibrated posterior has more than 0 on finitely many trials, so
    compare errors of the same number of trials.

    Source: C. Guo et al., "On calibration of modern neural networks", ICML 2017.

    Args:
        confidence: (n,) probability of the class that was named, in [0, 1].
        right: (n,) whether that class is the true one.

    >>> round(calibration_error(np.array([0.9, 0.9]), np.array([True, False])), 3)
    0.4
    """
    bins = np.clip(np.ceil(np.asarray(confidence) * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=np.asarray(right, float) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(bins))


def brier_scores(posterior: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute each row's sum of squared differences to the truth, 0 (best) to 2.

    Source: G. W. Brier, "Verification of forecasts expressed in terms of probability", 1950.

    Args:
        posterior: (n, classes) probabilities.
        codes: (n,) the true class.

    >>> brier_scores(np.array([[0.8, 0.2]]), np.array([0])).round(3)
    array([0.08])
    """
    truth = np.eye(posterior.shape[1])[codes]
    return np.asarray(((posterior - truth) ** 2).sum(axis=1))


def log_losses(true_probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute minus the natural logarithm of the probability of each true class, (n,)."""
    return np.asarray(-np.log(np.maximum(true_probability, SMALLEST_PROBABILITY)))
