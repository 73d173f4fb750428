"""Rates of one-to-many search among enrolled subjects: rank-k and the cumulative match characteristic."""

import numpy as np
from numpy.typing import NDArray


def mated_ranks(scores: NDArray[np.floating], own: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank every probe's own subject among all enrolled ones.

    Ties count against the recogniser: a constant score gives the last rank, never the first.

    Args:
        scores: (probes, enrolled) similarity; NaN where an enrolled subject has nothing to compare with.
        own: (probes,) column of the probe's own subject, whose score must not be NaN.

    Returns:
        (probes,) ranks from 1.
    """
    mated = np.take_along_axis(scores, own[:, None], axis=1)
    unusable = int(np.count_nonzero(np.isnan(mated)))
    if unusable:
        raise ValueError(f"expected a score of every probe with its own subject, got {unusable} NaN")
    ranks: NDArray[np.int64] = np.count_nonzero(scores >= mated, axis=1)
    return ranks


def rank_rate(ranks: NDArray[np.int64], rank: int) -> float:
    """Compute the share of probes whose own subject is among the first `rank`."""
    return float(np.mean(ranks <= rank))


def cumulative_match(ranks: NDArray[np.int64], ranks_shown: int) -> list[float]:
    """Compute the rank-k rates for k = 1 ... `ranks_shown`: they never fall."""
    return [rank_rate(ranks, rank) for rank in range(1, ranks_shown + 1)]
