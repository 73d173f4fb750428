"""Differences between groups of people, such as by sex, at one common threshold.

A mated comparison belongs to its subject's group; a non-mated one counts where both sides are of one group. A
group of too few subjects is left out with the reason: no number is better than one that says nothing.

Source: ISO/IEC 19795-10 (2024).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import bias_corrected_interval, resample_rate
from selfsame.metrics.operating import match_intervals
from selfsame.metrics.verification import match_rates

Interval = tuple[float, float]


@dataclass(frozen=True)
class GroupRates:
    """The error rates of one group at the common threshold, with intervals of 95 % by subject.

    Attributes:
        subjects: how many subjects of the group made a mated comparison.
        mated: how many mated comparisons.
        non_mated: how many non-mated comparisons within the group.
        fmr: false match rate at the threshold.
        fnmr: false non-match rate at the threshold.
    """

    subjects: int
    mated: int
    non_mated: int
    fmr: float
    fmr_interval: Interval
    fnmr: float
    fnmr_interval: Interval


@dataclass(frozen=True)
class Spread:
    """How far a rate lies apart in the groups: the largest less the smallest, 0 where all are alike.

    The spread of a sample is never below that of everybody, so a lower end above 0 is no proof.

    Attributes:
        difference: in [0, 1].
        interval: of 95 %, by subject bootstrap.
    """

    difference: float
    interval: Interval


@dataclass(frozen=True)
class Differentials:
    """What differs between groups.

    Attributes:
        threshold: the common one.
        groups: each group that is large enough, sorted by name.
        left_out: each other group and why it has no numbers.
        fnmr_spread: over the groups; None where fewer than two groups are large enough.
    """

    threshold: float
    groups: dict[str, GroupRates]
    left_out: dict[str, str]
    fnmr_spread: Spread | None


def measure_differentials(
    comparisons: Comparisons,
    group_of: Mapping[str, str],
    threshold: float,
    *,
    least_subjects: int,
    multiplicities: NDArray[np.float64],
) -> Differentials:
    """Measure each group's error rates at one threshold, and how far they spread.

    Args:
        comparisons: of everybody.
        group_of: the group of each subject; who is not in it is in no group.
        threshold: a comparison is accepted at or above it; the same for all groups.
        least_subjects: how many subjects a group needs, at least 2.
        multiplicities: (subjects, resamples), rows in the order of `comparisons.subjects`.

    Raises:
        InputError: `least_subjects` is below 2, or no subject has a group.
    """
    if least_subjects < 2:
        raise InputError(f"expected groups of at least 2 subjects, got least_subjects {least_subjects}")
    names = np.array([group_of.get(subject, "") for subject in comparisons.subjects.tolist()])
    if not (names != "").any():
        raise InputError("expected a group for at least one subject, got none: check the column of groups")
    groups: dict[str, GroupRates] = {}
    left_out: dict[str, str] = {}
    resampled: list[NDArray[np.float64]] = []
    for name in (str(name) for name in np.unique(names[names != ""])):
        inside = names == name
        reason = _why_left_out(comparisons, inside, least_subjects)
        if reason is not None:
            left_out[name] = reason
            continue
        own = _within(comparisons, inside)
        drawn = multiplicities[np.searchsorted(comparisons.subjects, own.subjects)]
        groups[name] = _measure(own, threshold)
        resampled.append(_resample_fnmr(own, threshold, drawn))
    spread = _spread([group.fnmr for group in groups.values()], resampled) if len(groups) > 1 else None
    return Differentials(threshold, groups, left_out, spread)


def _spread(rates: list[float], resampled: list[NDArray[np.float64]]) -> Spread:
    difference = max(rates) - min(rates)
    return Spread(difference, bias_corrected_interval(difference, np.ptp(np.stack(resampled), axis=0)))


def _within(comparisons: Comparisons, inside: NDArray[np.bool_]) -> Comparisons:
    kept = inside[comparisons.probe_codes] & inside[comparisons.reference_codes]
    return Comparisons(
        comparisons.scores[kept], comparisons.probe_subjects[kept], comparisons.reference_subjects[kept]
    )


def _why_left_out(comparisons: Comparisons, inside: NDArray[np.bool_], least_subjects: int) -> str | None:
    probes, references = comparisons.probe_codes, comparisons.reference_codes
    subjects = len(np.unique(probes[comparisons.mated & inside[probes]]))
    if subjects < least_subjects:
        return f"too few subjects: {subjects} with mated comparisons, {least_subjects} needed"
    if not (~comparisons.mated & inside[probes] & inside[references]).any():
        return "no non-mated comparison within the group"
    return None


def _measure(own: Comparisons, threshold: float) -> GroupRates:
    fmr, fnmr = match_rates(own, threshold)
    fmr_interval, fnmr_interval = match_intervals(own, threshold)
    return GroupRates(
        subjects=own.mated_subjects,
        mated=int(own.mated.sum()),
        non_mated=int((~own.mated).sum()),
        fmr=fmr,
        fmr_interval=fmr_interval,
        fnmr=fnmr,
        fnmr_interval=fnmr_interval,
    )


def _resample_fnmr(own: Comparisons, threshold: float, drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    rejected = own.scores[own.mated] < threshold
    return resample_rate(rejected.astype(np.float64), own.probe_codes[own.mated], drawn)
