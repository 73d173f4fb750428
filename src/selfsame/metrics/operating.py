"""Operating points: a threshold, both error rates there, and what the data can support."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.clustering import pair_share_interval, share_interval
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import rate_interval
from selfsame.metrics.verification import (
    error_curve,
    lowest_threshold,
    match_rates,
    read_fnmr,
    resample_curves,
)


@dataclass(frozen=True)
class VerificationRates:
    """An operating point: what a threshold does to the comparisons, with intervals of 95 % by subject.

    Attributes:
        stated_fmr: the false match rate that was asked for.
        threshold: a comparison is accepted at or above it.
        fmr: observed at the threshold, at most `stated_fmr`.
        fmr_interval: of the FMR at this very threshold; both sides' subjects correlate.
        fnmr: observed at the threshold.
        fnmr_interval: of the FNMR at this very threshold.
        fnmr_interval_at_fmr: of the FNMR where the threshold is chosen anew for each set of subjects.
        smallest_fmr: the smallest FMR that the data can show: 3 / `pairs` (rule of three).
        supported: whether `stated_fmr` is not below that.
        mated: how many comparisons of a subject with itself.
        non_mated: how many of different subjects.
        subjects: how many subjects made a mated comparison.
        pairs: how many unordered pairs of different subjects were compared.
    """

    stated_fmr: float
    threshold: float
    fmr: float
    fmr_interval: tuple[float, float]
    fnmr: float
    fnmr_interval: tuple[float, float]
    fnmr_interval_at_fmr: tuple[float, float]
    smallest_fmr: float
    supported: bool
    mated: int
    non_mated: int
    subjects: int
    pairs: int


def threshold_at(
    comparisons: Comparisons, *, fmr: float, multiplicities: NDArray[np.float64]
) -> VerificationRates:
    """Choose the lowest threshold whose FMR is at most `fmr`, and measure both rates there.

    Args:
        comparisons: what was compared.
        fmr: the false match rate to hold, in (0, 1).
        multiplicities: (subjects, resamples) from `draw_multiplicities`, rows as in `comparisons.subjects`.

    Raises:
        InputError: `fmr` is no rate between 0 and 1.
    """
    if not 0.0 < fmr < 1.0:
        raise InputError(f"expected a false match rate above 0 and below 1, got {fmr}")
    threshold = lowest_threshold(fmr, comparisons.scores[~comparisons.mated])
    observed, fnmr = match_rates(comparisons, threshold)
    low_high, low_high_fnmr = match_intervals(comparisons, threshold)
    (resampled,) = resample_curves(comparisons, multiplicities, read_fnmr(fmr))
    chosen_anew = float(error_curve(comparisons).fnmr_at(fmr))
    return VerificationRates(
        stated_fmr=fmr,
        threshold=threshold,
        fmr=observed,
        fmr_interval=low_high,
        fnmr=fnmr,
        fnmr_interval=low_high_fnmr,
        fnmr_interval_at_fmr=rate_interval(chosen_anew, resampled, comparisons.mated_subjects),
        smallest_fmr=comparisons.smallest_fmr,
        supported=comparisons.supports_fmr(fmr),
        mated=int(comparisons.mated.sum()),
        non_mated=int((~comparisons.mated).sum()),
        subjects=comparisons.mated_subjects,
        pairs=comparisons.non_mated_pairs,
    )


def match_intervals(
    comparisons: Comparisons, threshold: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Bound the FMR and the FNMR at one threshold that was not chosen by resampling."""
    mated, accepted = comparisons.mated, comparisons.scores >= threshold
    probes, references = comparisons.probe_codes, comparisons.reference_codes
    return (
        pair_share_interval(accepted[~mated], probes[~mated], references[~mated]),
        share_interval(~accepted[mated], probes[mated]),
    )
