"""Differences between groups of people, such as by sex, at one common threshold.

A mated comparison belongs to its subject's group; a non-mated one counts where both sides are of one group. A
group of too few subjects is left out with the reason: no number is better than one that says nothing.

Sources: ISO/IEC 19795-10 (2024); for the Gini aggregate J. J. Howard, E. J. Laird, R. E. Rubin, Y. B.
Sirotin, J. L. Tipton, A. R. Vemury, "Evaluating proposed fairness models for face recognition algorithms",
ICPR Workshops (2022); for the discrepancy rate T. de Freitas Pereira, S. Marcel, "Fairness in biometrics: a
figure of merit to assess biometric verification systems", IEEE Transactions on Biometrics, Behavior and
Identity Science 4 (2022).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.clustering import resample_pair_rate
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import bias_corrected_interval, resample_rate
from selfsame.metrics.operating import match_intervals
from selfsame.metrics.roc import equal_error_interval
from selfsame.metrics.spreads import Spread, fairness_discrepancy_rate, measure_spread
from selfsame.metrics.verification import error_curve, match_rates, resample_curves

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
        eer: equal error rate, at the threshold where the group's own rates are equal.
    """

    subjects: int
    mated: int
    non_mated: int
    fmr: float
    fmr_interval: Interval
    fnmr: float
    fnmr_interval: Interval
    eer: float
    eer_interval: Interval


@dataclass(frozen=True)
class Differentials:
    """What differs between groups.

    Attributes:
        threshold: the common one.
        groups: each group that is large enough, sorted by name.
        left_out: each other group and why it has no numbers.
        spreads: `fmr`, `fnmr` and `eer` over the groups; empty where fewer than two groups are large enough.
        discrepancy: fairness discrepancy rate of FMR and FNMR in equal parts, 1 where all groups are alike;
            NaN where fewer than two groups are large enough.
        discrepancy_interval: its interval of 95 %.
    """

    threshold: float
    groups: dict[str, GroupRates]
    left_out: dict[str, str]
    spreads: dict[str, Spread]
    discrepancy: float
    discrepancy_interval: Interval


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
    resampled: dict[str, dict[str, NDArray[np.float64]]] = {}
    for name in (str(name) for name in np.unique(names[names != ""])):
        inside = names == name
        reason = _why_left_out(comparisons, inside, least_subjects)
        if reason is not None:
            left_out[name] = reason
            continue
        own = _within(comparisons, inside)
        drawn = multiplicities[np.searchsorted(comparisons.subjects, own.subjects)]
        resampled[name] = _resample(own, threshold, drawn)
        groups[name] = _measure(own, threshold, resampled[name]["eer"])
    return _summarise(threshold, groups, left_out, resampled)


def _summarise(
    threshold: float,
    groups: dict[str, GroupRates],
    left_out: dict[str, str],
    resampled: dict[str, dict[str, NDArray[np.float64]]],
) -> Differentials:
    if len(groups) < 2:
        return Differentials(threshold, groups, left_out, {}, float("nan"), (-np.inf, np.inf))
    rates = {
        "fmr": np.array([group.fmr for group in groups.values()]),
        "fnmr": np.array([group.fnmr for group in groups.values()]),
        "eer": np.array([group.eer for group in groups.values()]),
    }
    again = {rate: np.stack([resampled[name][rate] for name in groups]) for rate in rates}
    discrepancy = float(fairness_discrepancy_rate(rates["fmr"], rates["fnmr"]))
    return Differentials(
        threshold=threshold,
        groups=groups,
        left_out=left_out,
        spreads={rate: measure_spread(values, again[rate]) for rate, values in rates.items()},
        discrepancy=discrepancy,
        discrepancy_interval=bias_corrected_interval(
            discrepancy, fairness_discrepancy_rate(again["fmr"], again["fnmr"])
        ),
    )


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


def _measure(own: Comparisons, threshold: float, eers: NDArray[np.float64]) -> GroupRates:
    fmr, fnmr = match_rates(own, threshold)
    fmr_interval, fnmr_interval = match_intervals(own, threshold)
    eer = float(error_curve(own).equal_error_rate())
    return GroupRates(
        subjects=own.mated_subjects,
        mated=int(own.mated.sum()),
        non_mated=int((~own.mated).sum()),
        fmr=fmr,
        fmr_interval=fmr_interval,
        fnmr=fnmr,
        fnmr_interval=fnmr_interval,
        eer=eer,
        eer_interval=equal_error_interval(own, eers),
    )


def _resample(
    own: Comparisons, threshold: float, drawn: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    mated, accepted = own.mated, own.scores >= threshold
    return {
        "fmr": resample_pair_rate(
            accepted[~mated].astype(np.float64), own.probe_codes[~mated], own.reference_codes[~mated], drawn
        ),
        "fnmr": resample_rate((~accepted[mated]).astype(np.float64), own.probe_codes[mated], drawn),
        "eer": resample_curves(own, drawn, ())[0],
    }
