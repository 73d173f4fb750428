"""The mean over random splits of one data set, and an interval that knows that the splits overlap."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from selfsame.metrics.intervals import CONFIDENCE


@dataclass(frozen=True)
class SplitMean:
    """A mean over splits.

    Attributes:
        mean: over the splits.
        deviation: over the splits, with n - 1; None where there is one split.
        low: lower end of the corrected 95 % interval; None where there is one split.
        high: upper end.
        splits: how many.
    """

    mean: float
    deviation: float | None
    low: float | None
    high: float | None
    splits: int


def average_splits(values: Sequence[float], *, test_share: float) -> SplitMean:
    """Average a figure over random splits, with the corrected resampled t interval.

    Splits share training and test images, so the plain standard error is too small. The variance of the mean
    is taken as s^2 (1 / n + test / train) in place of s^2 / n.

    Source: C. Nadeau, Y. Bengio, "Inference for the generalization error", Machine Learning 52 (2003). The
    interval is for other splits of the same people; it says nothing about other people.

    Args:
        values: one a split; one alone says nothing of the spread.
        test_share: images tested over images trained on.

    >>> average_splits([0.9, 1.0], test_share=1.0).mean
    0.95
    """
    n = len(values)
    mean = float(np.mean(values))
    if n < 2:
        return SplitMean(mean, None, None, None, n)
    deviation = float(np.std(values, ddof=1))
    reach = float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * deviation * math.sqrt(1 / n + test_share)
    return SplitMean(mean, deviation, mean - reach, mean + reach, n)
