"""The claim that fusing is never worse than the best of the modalities that are fused, put to the test."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import TAIL, draw_multiplicities
from selfsame.metrics.verification import ErrorCurve, error_curve, resample_curves


@dataclass(frozen=True)
class MemberDifference:
    """A fused score against one member on the comparisons that both can score.

    Attributes:
        member: the member's name.
        comparisons: how many there are.
        member_rate: the member's EER, in [0, 1].
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
        """How much higher the fused EER is; below 0 fusing helped."""
        return self.fused_rate - self.member_rate

    @property
    def is_worse(self) -> bool:
        """Tell whether fusing is worse beyond the interval, which then lies above 0 altogether."""
        return self.interval[0] > 0.0


def compare_with_best_member(
    fused: NDArray[np.float64],
    members: Mapping[str, NDArray[np.floating]],
    probe_subjects: NDArray[np.str_],
    reference_subjects: NDArray[np.str_],
    *,
    resamples: int,
    rng: np.random.Generator,
) -> MemberDifference:
    """Compare the EER of a fused score with that of its best member, on the same resamples of the subjects.

    A member is compared where it has a score: one that is missing in half of the comparisons is compared on
    the other half. The best member is chosen on these very comparisons, which flatters it: a fused score
    that is not worse here passes a test a little stricter than asked for.

    Args:
        fused: (n,) the fused scores; NaN is left out.
        members: the (n,) scores of each member, NaN where it is missing.
        probe_subjects: (n,) names.
        reference_subjects: (n,) names; mated where both are equal.
        resamples: of the subjects.
        rng: source of the resamples.

    Returns:
        The difference to the member with the lowest EER.

    Raises:
        InputError: no members, or a member shares no mated or no non-mated comparison with the fused score.
    """
    if not members:
        raise InputError("expected the scores of at least one member, got none")
    differences = [
        _difference(name, fused, scores, (probe_subjects, reference_subjects), resamples, rng)
        for name, scores in members.items()
    ]
    return min(differences, key=lambda one: (one.member_rate, -one.comparisons))


def _difference(
    name: str,
    fused: NDArray[np.float64],
    scores: NDArray[np.floating],
    subjects: tuple[NDArray[np.str_], NDArray[np.str_]],
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
    rates, resampled = zip(*(_resample_eer(side, drawn) for side in (one, other)), strict=True)
    gaps = resampled[0] - resampled[1]
    low, high = np.nanquantile(gaps, [TAIL, 1.0 - TAIL])
    return MemberDifference(name, int(rows.sum()), rates[1], rates[0], (float(low), float(high)))


def _resample_eer(comparisons: Comparisons, drawn: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    (eers,) = resample_curves(comparisons, drawn, ErrorCurve.equal_error_rate)
    return float(error_curve(comparisons).equal_error_rate()), eers
