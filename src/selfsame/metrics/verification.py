"""Error rates of one-to-one comparison: FMR, FNMR, EER and thresholds, as ISO/IEC 19795-1 defines them.

A comparison is accepted when its score is at or above the threshold. FMR is the share of non-mated
comparisons that are accepted, FNMR the share of mated comparisons that are rejected.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from selfsame.metrics.comparisons import Comparisons

BLOCK = 4_000_000
"""Numbers held at a time while resampling: 32 MB."""

ROUNDING = 1e-9
"""Slack of `FMR <= limit`, so that 3 of 3,000 is at most 0.001 in binary arithmetic too."""


@dataclass(frozen=True)
class ErrorCurve:
    """FMR against FNMR at thresholds in rising order, from accept all to reject all.

    Attributes:
        fmr: (steps + 1, ...) falls from 1 to 0.
        fnmr: (steps + 1, ...) rises from 0 to 1.
    """

    fmr: NDArray[np.float64]
    fnmr: NDArray[np.float64]

    @classmethod
    def from_counts(cls, mated: NDArray[np.float64], non_mated: NDArray[np.float64]) -> "ErrorCurve":
        """Accumulate (steps, ...) weights of mated and non-mated comparisons that each step rejects."""
        start = np.zeros((1, *mated.shape[1:]))
        rejected = np.concatenate([start, np.cumsum(mated, axis=0)])
        accepted = np.concatenate([start, np.cumsum(non_mated, axis=0)])
        with np.errstate(invalid="ignore"):  # a resample may hold none: NaN, left out of the interval
            return cls(fmr=1.0 - accepted / accepted[-1], fnmr=rejected / rejected[-1])

    def equal_error_rate(self) -> NDArray[np.float64]:
        """Interpolate where FMR and FNMR cross, on the straight line between two neighbouring thresholds."""
        gap = self.fmr - self.fnmr
        after = np.maximum(np.argmax(gap <= 0, axis=0), 1)[None]
        gap_before, gap_after = _pick(gap, after - 1), _pick(gap, after)
        before, later = _pick(self.fnmr, after - 1), _pick(self.fnmr, after)
        eer: NDArray[np.float64] = before + gap_before / (gap_before - gap_after) * (later - before)
        return eer

    def area(self) -> NDArray[np.float64]:
        """Integrate the ROC (match rate over FMR) by trapezoids: the AUC, in [0, 1], 0.5 at chance.

        It is the probability that a mated score is higher than a non-mated one, ties counting half:
        Mann and Whitney's U over the product of the two numbers.
        """
        heights = 1.0 - (self.fnmr[1:] + self.fnmr[:-1]) / 2
        area: NDArray[np.float64] = ((self.fmr[:-1] - self.fmr[1:]) * heights).sum(axis=0)
        return area

    def fnmr_at(self, fmr: float) -> NDArray[np.float64]:
        """FNMR at the lowest threshold whose FMR is at most `fmr`."""
        first = np.argmax(self.fmr <= fmr + ROUNDING, axis=0)[None]
        return np.where(np.isnan(self.fmr[-1]), np.nan, _pick(self.fnmr, first))


Read = Callable[[ErrorCurve], NDArray[np.float64]]
"""Reads a number off each curve: (...) of (steps + 1, ...) rates."""


def error_curve(comparisons: Comparisons) -> ErrorCurve:
    """Compute the curve of all comparisons, one step per change between mated and non-mated scores."""
    steps = comparisons.steps
    count = int(steps.max()) + 1
    mated = np.bincount(steps[comparisons.mated], minlength=count).astype(np.float64)
    non_mated = np.bincount(steps[~comparisons.mated], minlength=count).astype(np.float64)
    return ErrorCurve.from_counts(mated, non_mated)


def full_curve(comparisons: Comparisons) -> ErrorCurve:
    """Compute the curve with one step per distinct score, for drawing."""
    levels, steps = np.unique(comparisons.scores, return_inverse=True)
    mated = np.bincount(steps[comparisons.mated], minlength=len(levels)).astype(np.float64)
    non_mated = np.bincount(steps[~comparisons.mated], minlength=len(levels)).astype(np.float64)
    return ErrorCurve.from_counts(mated, non_mated)


def lowest_threshold(fmr: float, non_mated_scores: NDArray[np.float64]) -> float:
    """Find the lowest float32 threshold whose share of accepted non-mated scores is at most `fmr`.

    Args:
        fmr: the wanted rate, in [0, 1).
        non_mated_scores: (n,) finite; compared as float32, which is how scores are stored.
    """
    falling = np.sort(non_mated_scores.astype(np.float32))[::-1]
    allowed = min(int(fmr * len(falling) * (1 + ROUNDING)), len(falling) - 1)
    return float(np.nextafter(falling[allowed], np.float32(np.inf)))


def centre_threshold(threshold: float, mated_scores: NDArray[np.float64]) -> float:
    """Raise a threshold to the middle between it and the lowest mated score that it accepts.

    No mated comparison is lost, so the FNMR stays and the FMR can only fall. Where mated and non-mated scores
    lie far apart, the lowest threshold that holds an FMR grazes the non-mated scores that were seen, and
    strangers would pass it; the middle of the gap is as far from both as it can be.

    >>> centre_threshold(0.25, np.array([0.125, 0.75, 0.875]))
    0.5
    """
    accepted = mated_scores[mated_scores >= threshold]
    return float((threshold + accepted.min()) / 2) if len(accepted) else threshold


def match_rates(comparisons: Comparisons, threshold: float) -> tuple[float, float]:
    """Count the FMR and the FNMR at one threshold."""
    accepted = comparisons.scores >= threshold
    return float(accepted[~comparisons.mated].mean()), float((~accepted)[comparisons.mated].mean())


def resample_curves(
    comparisons: Comparisons, multiplicities: NDArray[np.float64], *reads: Read
) -> list[NDArray[np.float64]]:
    """Read numbers off the error curve in every resample of the subjects, all in one pass.

    Args:
        comparisons: what was compared.
        multiplicities: (subjects, resamples), rows in the order of `comparisons.subjects`.
        reads: what to read, such as `ErrorCurve.equal_error_rate`, `ErrorCurve.area`, or `read_fnmr(0.001)`.

    Returns:
        For each of `reads` its (resamples,) values; NaN where a resample holds no trial.
    """
    curves = draw_curves(comparisons, multiplicities)
    parts = zip(*([read(curve) for read in reads] for curve in curves), strict=True)
    return [np.concatenate(values) for values in parts]


def read_fnmr(fmr: float) -> Read:
    """Give what reads the FNMR at an FMR off a curve."""
    return partial(ErrorCurve.fnmr_at, fmr=fmr)


def draw_curves(comparisons: Comparisons, multiplicities: NDArray[np.float64]) -> Iterator[ErrorCurve]:
    """Recompute the error curve in every resample of the subjects, as many at a time as memory allows.

    A non-mated comparison weighs the product of how often the resample holds its probe's and its reference's
    subject; a mated one weighs how often it holds its subject. Weights are summed per pair of subjects and
    step of the curve (a sparse matrix), so the cost grows with what the curve can tell apart. Noise of single
    pairs enters up to threefold (A. B. Owen, "The pigeonhole bootstrap", Annals of Applied Statistics 1,
    2007): intervals err on the wide side where it outweighs the differences between subjects.

    Args:
        comparisons: what was compared.
        multiplicities: (subjects, resamples), rows in the order of `comparisons.subjects`.

    Yields:
        Curves of (steps + 1, some resamples), in order; NaN where a resample holds no trial.
    """
    steps = comparisons.steps
    count, subjects = int(steps.max()) + 1, len(comparisons.subjects)
    mated, probe, reference = comparisons.mated, comparisons.probe_codes, comparisons.reference_codes
    own = tally(steps[mated], probe[mated], (count, subjects))
    pairs, pair = np.unique(probe[~mated] * subjects + reference[~mated], return_inverse=True)
    other = tally(steps[~mated], pair, (count, len(pairs)))
    width = max(1, BLOCK // max(count, len(pairs)))
    for start in range(0, multiplicities.shape[1], width):
        weight = multiplicities[:, start : start + width]
        yield ErrorCurve.from_counts(
            own @ weight, other @ (weight[pairs // subjects] * weight[pairs % subjects])
        )


def tally(rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]) -> sparse.csr_array:
    """Count how often each row meets each column, sparse: what a matrix of weights is multiplied by."""
    return sparse.coo_array((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()


def _pick(values: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.take_along_axis(values, rows, axis=0)[0]
