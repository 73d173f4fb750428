"""Error versus discard: does throwing away the comparisons of lowest quality lower FNMR?

Sources: P. Grother, E. Tabassi, "Performance of biometric quality measures", IEEE Transactions on Pattern
Analysis and Machine Intelligence 29 (2007); for the partial area M. A. Olsen, V. Šmida, C. Busch, "Finger
image quality assessment features: definitions and evaluation", IET Biometrics 5 (2016).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.verification import tally


@dataclass(frozen=True)
class DiscardCurve:
    """FNMR of what is left when the mated comparisons of lowest quality are discarded.

    Comparisons of equal quality are discarded in random order, so between the points FNMR is that to be
    expected, (errors left - errors of the group discarded so far) / what is left.

    Attributes:
        discarded: (groups + 1, ...) share discarded after each group of equal quality, from 0 to 1.
        failed: (groups + 1, ...) share of all comparisons that fail and are left, from the FNMR to 0.
    """

    discarded: NDArray[np.float64]
    failed: NDArray[np.float64]

    @property
    def fnmr(self) -> NDArray[np.float64]:
        """(groups, ...) FNMR of what is left at each of `discarded` but the last, where nothing is left."""
        fnmr: NDArray[np.float64] = self.failed[:-1] / (1.0 - self.discarded[:-1])
        return fnmr

    def area(self, most: float) -> NDArray[np.float64]:
        """Integrate FNMR over the share discarded, from 0 to `most`, exactly: from 0 to `most`.

        In a group of n of all, e of which fail, FNMR is (a - b d) / (1 - d) with b = e / n, whose integral is
        b d - (a - b) ln(1 - d).
        """
        starts, ends = self.discarded[:-1], np.minimum(self.discarded[1:], most)
        widths = self.discarded[1:] - starts
        slope = np.divide(
            self.failed[:-1] - self.failed[1:], widths, out=np.zeros_like(widths), where=widths > 0
        )
        level = self.failed[:-1] + slope * starts
        ends = np.maximum(ends, starts)
        still = np.where(ends > starts, 1.0 - ends, 1.0)
        left = np.where(ends > starts, 1.0 - starts, 1.0)
        rest = np.where(still > 0, level - slope, 0.0)  # the last group ends at 1: all of it has one FNMR
        area = slope * (ends - starts) - rest * np.log(np.where(still > 0, still, 1.0) / left)
        total: NDArray[np.float64] = area.sum(axis=0)
        return total


@dataclass(frozen=True)
class DiscardArea:
    """The partial area under an error-versus-discard curve, and what it could have been.

    Attributes:
        most: the largest share discarded.
        area: integral of FNMR from 0 to `most`, in [0, most].
        ideal: the same where what fails is discarded first.
        flat: the same where quality says nothing: FNMR times `most`.
        excess: area - ideal: 0 is perfect.
        normalised: excess / (flat - ideal): 0 is perfect, 1 worthless, above 1 misleading; NaN where no or
            every comparison fails.
    """

    most: float
    area: float
    ideal: float
    flat: float
    excess: float
    normalised: float


def comparison_quality(
    probe_quality: NDArray[np.float64], reference_quality: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Take the quality of a comparison: the lower of its two sides, (n,) each."""
    return np.minimum(probe_quality, reference_quality)


def error_versus_discard(
    quality: NDArray[np.float64], mated_scores: NDArray[np.float64], threshold: float
) -> DiscardCurve:
    """Compute FNMR against the share of mated comparisons discarded by quality, at one threshold.

    Args:
        quality: (n,) of each mated comparison, higher is better.
        mated_scores: (n,) similarity, -inf for a failure.
        threshold: a comparison is accepted at or above it.
    """
    failed = _failures(quality, mated_scores, threshold)
    _, groups = np.unique(quality, return_inverse=True)
    trials = np.asarray(np.bincount(groups), dtype=np.float64)
    return _accumulate(trials, np.asarray(np.bincount(groups, weights=failed), dtype=np.float64))


def resample_areas(
    quality: NDArray[np.float64],
    mated_scores: NDArray[np.float64],
    threshold: float,
    owners: NDArray[np.int64],
    multiplicities: NDArray[np.float64],
    *,
    most: float,
) -> NDArray[np.float64]:
    """Recompute the normalised area in every resample of the subjects, for `bias_corrected_interval`.

    Args:
        quality: (n,) of each mated comparison, higher is better.
        mated_scores: (n,) similarity.
        threshold: a comparison is accepted at or above it.
        owners: (n,) row of each comparison's subject in `multiplicities`.
        multiplicities: (subjects, resamples) from `draw_multiplicities`.
        most: the largest share discarded, in (0, 1].

    Returns:
        (resamples,) normalised areas, NaN for a resample in which none or all fail.
    """
    failed = _failures(quality, mated_scores, threshold)
    _, groups = np.unique(quality, return_inverse=True)
    shape = (int(groups.max()) + 1, len(multiplicities))
    trials = tally(groups, owners, shape)
    errors = tally(groups[failed], owners[failed], shape)
    areas = [
        _normalise(_accumulate(trials @ block, errors @ block), most)[2]
        for block in np.array_split(multiplicities, max(1, multiplicities.shape[1] // 50), axis=1)
    ]
    return np.concatenate(areas)


def discard_area(curve: DiscardCurve, most: float) -> DiscardArea:
    """Integrate an error-versus-discard curve up to a share discarded, and take the ideal area off.

    Args:
        curve: from `error_versus_discard`.
        most: the largest share discarded, in (0, 1]; 0.2 is usual.
    """
    if not 0.0 < most <= 1.0:
        raise InputError(f"expected a largest share to discard above 0 and at most 1, got {most}")
    area, ideal, normalised = (float(part) for part in _normalise(curve, most))
    flat = float(curve.failed[0]) * most
    return DiscardArea(most, area, ideal, flat, area - ideal, normalised)


def _normalise(
    curve: DiscardCurve, most: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute the area, the ideal area, and the area on the scale from ideal to flat."""
    fnmr = curve.failed[0]
    area = curve.area(most)
    reached = np.minimum(fnmr, most)
    ideal = reached + (1.0 - fnmr) * np.log1p(-np.minimum(reached, 1.0 - 1e-300))
    room = fnmr * most - ideal
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where((fnmr > 0) & (fnmr < 1), (area - ideal) / room, np.nan)
    return area, ideal, scaled


def _accumulate(trials: NDArray[np.float64], errors: NDArray[np.float64]) -> DiscardCurve:
    """Make the curve of (groups, ...) numbers of comparisons and failures, from the lowest quality up."""
    start = np.zeros((1, *trials.shape[1:]))
    gone, failed = (np.concatenate([start, np.cumsum(part, axis=0)]) for part in (trials, errors))
    with np.errstate(invalid="ignore"):  # a resample may hold none: NaN
        return DiscardCurve(discarded=gone / gone[-1], failed=(failed[-1] - failed) / gone[-1])


def _failures(
    quality: NDArray[np.float64], mated_scores: NDArray[np.float64], threshold: float
) -> NDArray[np.bool_]:
    if len(quality) != len(mated_scores) or not len(quality):
        raise ValueError(f"expected one quality per score, got {len(quality)} and {len(mated_scores)} scores")
    for name, values in (("qualities", quality), ("scores", mated_scores)):
        unusable = int(np.count_nonzero(np.isnan(values)))
        if unusable:
            raise ValueError(f"expected {name} that are numbers, got {unusable} NaN of {len(values)}")
    return np.asarray(mated_scores < threshold)
