"""Failures to acquire and to enrol counted into the error rates: ghost templates.

FMR and FNMR are of comparisons that took place. Whoever presents a finger that cannot be read is turned away
all the same: the rates of transactions count such a comparison as a rejection, an error where it is mated and
none where it is not. A ghost comparison has the score -inf, which no threshold accepts. Source: ISO/IEC
19795-1: FRR = FTA + FNMR (1 - FTA), FAR = FMR (1 - FTA), and generalised with FTE.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.operating import match_intervals
from selfsame.metrics.verification import match_rates


@dataclass(frozen=True)
class RatesBothWays:
    """Error rates at a threshold without and with the comparisons that failures prevented; intervals of 95 %.

    Attributes:
        fmr: of non-mated comparisons that took place, the share accepted.
        fnmr: of mated comparisons that took place, the share rejected.
        far: the same as `fmr` of all that were attempted: failures are no false acceptance.
        frr: the same as `fnmr` of all that were attempted: failures are false rejections.
        mated_failed: share of the mated comparisons that failures prevented.
        non_mated_failed: share of the non-mated ones.
    """

    fmr: float
    fmr_interval: tuple[float, float]
    fnmr: float
    fnmr_interval: tuple[float, float]
    far: float
    far_interval: tuple[float, float]
    frr: float
    frr_interval: tuple[float, float]
    mated_failed: float
    non_mated_failed: float


def with_ghosts(
    comparisons: Comparisons, probe_subjects: NDArray[np.str_], reference_subjects: NDArray[np.str_]
) -> Comparisons:
    """Add the comparisons that failures prevented, (ghosts,) subjects on each side, with the score -inf."""
    if len(probe_subjects) != len(reference_subjects):
        raise ValueError(
            "expected one probe and one reference subject per failed comparison, "
            f"got {len(probe_subjects)} and {len(reference_subjects)}"
        )
    return Comparisons(
        np.concatenate([comparisons.scores, np.full(len(probe_subjects), -np.inf)]),
        np.concatenate([comparisons.probe_subjects, probe_subjects]),
        np.concatenate([comparisons.reference_subjects, reference_subjects]),
    )


def without_ghosts(comparisons: Comparisons) -> Comparisons:
    """Leave out the comparisons that failures prevented."""
    kept = ~comparisons.failed
    return Comparisons(
        comparisons.scores[kept], comparisons.probe_subjects[kept], comparisons.reference_subjects[kept]
    )


def rates_both_ways(comparisons: Comparisons, threshold: float) -> RatesBothWays:
    """Count the error rates at a finite threshold without and with the failures among the comparisons."""
    if not np.isfinite(threshold):
        raise InputError(f"expected a finite threshold, got {threshold}")
    took_place, failed = without_ghosts(comparisons), comparisons.failed
    (fmr, fnmr), (far, frr) = match_rates(took_place, threshold), match_rates(comparisons, threshold)
    fmr_interval, fnmr_interval = match_intervals(took_place, threshold)
    far_interval, frr_interval = match_intervals(comparisons, threshold)
    return RatesBothWays(
        fmr=fmr,
        fmr_interval=fmr_interval,
        fnmr=fnmr,
        fnmr_interval=fnmr_interval,
        far=far,
        far_interval=far_interval,
        frr=frr,
        frr_interval=frr_interval,
        mated_failed=float(failed[comparisons.mated].mean()),
        non_mated_failed=float(failed[~comparisons.mated].mean()),
    )


def generalise(*, fmr: float, fnmr: float, fta: float, fte: float) -> tuple[float, float]:
    """Compute the generalised false accept and false reject rate of one attempt from the four rates.

    GFAR = FMR (1 - FTA) (1 - FTE); GFRR = FTE + (1 - FTE) FTA + (1 - FTE) (1 - FTA) FNMR. Exact where
    failures fall on all comparisons alike; `rates_both_ways` needs no such assumption.

    >>> generalise(fmr=0.5, fnmr=0.25, fta=0.5, fte=0.0)
    (0.25, 0.625)
    """
    for name, rate in (("FMR", fmr), ("FNMR", fnmr), ("FTA", fta), ("FTE", fte)):
        if not 0.0 <= rate <= 1.0:
            raise InputError(f"expected rates from 0 to 1, got {name} {rate}")
    compared = (1.0 - fta) * (1.0 - fte)
    return fmr * compared, fte + (1.0 - fte) * fta + compared * fnmr
