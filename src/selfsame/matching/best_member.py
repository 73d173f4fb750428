"""The claim that fusing is never worse than the best of the modalities that are fused, put to the test."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import CONFIDENCE, draw_multiplicities
from selfsame.metrics.verification import ErrorCurve, error_curve, resample_curves


@dataclass(frozen=True)
class MemberDifference:
    """A fused score against one member on the comparisons that both can score.

    Attributes:
        member: the member's name.
        comparisons: how many there are.
        member_rate: the member's error rate, in [0, 1].
        fused_rate: the fused score's.
        interval: of 95 %, of fused_rate - member_rate, over resamples of the subjects.
    """

    member: str
    comparisons: int
    member_rate: float
    fused_rate: float
    interval: tuple[float, float]

    @property
    def difference(self) -> float:
        """How much higher the fused error rate is; below 0 fusing helped."""
        return self.fused_rate - self.member_rate

    @property
    def is_worse(self) -> bool:
        """Tell whether fusing is worse beyond the interval, which then lies above 0 altogether."""
        return self.interval[0] > 0.0

    @property
    def is_better(self) -> bool:
        """Tell whether fusing is better beyond the interval, which then lies below 0 altogether."""
        return self.interval[1] < 0.0


@dataclass(frozen=True)
class BestMember:
    """The verdict on a fused score.

    Attributes:
        best: the member with the lowest error rate, and the difference to it.
        members: the difference to every member, in the order given.
    """

    best: MemberDifference
    members: tuple[MemberDifference, ...]


def compare_with_best_member(
    fused: NDArray[np.float64],
    members: Mapping[str, NDArray[np.floating]],
    probe_subjects: NDArray[np.str_],
    reference_subjects: NDArray[np.str_],
    *,
    fmr: float | None,
    resamples: int,
    rng: np.random.Generator,
) -> BestMember:
    """Compare a fused score with each member, on the same comparisons and the same resamples of subjects.

    A member is compared where it has a score: one that is missing in half of the comparisons is compared on
    the other half. The best member is chosen on these very comparisons, which flatters it: a fused score
    that is not worse here passes a test a little stricter than asked for.

    Args:
        fused: (n,) the fused scores; NaN is left out.
        members: the (n,) scores of each member, NaN where it is missing.
        probe_subjects: (n,) names.
        reference_subjects: (n,) names; mated where both are equal.
        fmr: compare the FNMR at this FMR; None compares the EER.
        resamples: of the subjects.
        rng: source of the resamples.

    Raises:
        InputError: no members, or a member shares no mated or no non-mated comparison with the fused score.
    """
    if not members:
        raise InputError("expected the scores of at least one member, got none")
    differences = tuple(
        _difference(name, fused, scores, (probe_subjects, reference_subjects), fmr, resamples, rng)
        for name, scores in members.items()
    )
    return BestMember(min(differences, key=lambda one: (one.member_rate, -one.comparisons)), differences)


def _difference(
    name: str,
    fused: NDArray[np.float64],
    scores: NDArray[np.floating],
    subjects: tuple[NDArray[np.str_], NDArray[np.str_]],
    fmr: float | None,
    resamples: int,
    rng: np.random.Generator,
) -> MemberDifference:
    rows = np.isfinite(fused) & np.isfinite(scores)
    try:
        one, other = (
            Comparisons(values[rows].astype(np.float64), subjects[0][rows], subjects[1][rows])
            for values in (fused, scores)
        )
    except InputError as error:
        raise InputError(f"member {name} cannot be compared: {error}") from error
    drawn = draw_multiplicities(len(one.subjects), resamples, rng)
    rates, resampled = zip(*(_rates(side, drawn, fmr) for side in (one, other)), strict=True)
    gaps = resampled[0] - resampled[1]
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.nanquantile(gaps, [tail, 1.0 - tail])
    return MemberDifference(name, int(rows.sum()), rates[1], rates[0], (float(low), float(high)))


def _rates(
    comparisons: Comparisons, drawn: NDArray[np.float64], fmr: float | None
) -> tuple[float, NDArray[np.float64]]:
    curve = error_curve(comparisons)
    (eers,) = resample_curves(comparisons, drawn, ErrorCurve.equal_error_rate)
    return float(curve.equal_error_rate()), eers
