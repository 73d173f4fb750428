"""Rates of searches among the enrolled when some who are searched for are not: FPIR and FNIR.

A search returns candidates, the enrolled subjects whose score is at or above a threshold, at most `rank` of
them. FPIR is the share of searches of people who are not enrolled that return a candidate; FNIR the share of
searches of enrolled people that do not return their own identity. Source: ISO/IEC 19795-1; P. Grother, M.
Ngan, K. Hanaoka, "Face Recognition Vendor Test (FRVT) Part 2: Identification", NIST IR 8271 (2019).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.metrics.intervals import rate_interval
from selfsame.metrics.verification import BLOCK, ErrorCurve, lowest_threshold, tally

NOT_ENROLLED = -1


@dataclass(frozen=True)
class Searches:
    """Searches among the enrolled.

    Attributes:
        scores: (probes, enrolled) similarity, higher is more alike; NaN where there is nothing to compare,
            which is then no candidate. A whole row of NaN is a probe that could not be acquired.
        own: (probes,) column of the probe's own subject, or -1 where that one is not enrolled.
        subjects: (probes,) whose capture was searched with.
    """

    scores: NDArray[np.floating]
    own: NDArray[np.int64]
    subjects: NDArray[np.str_]

    def __post_init__(self) -> None:
        if self.scores.ndim != 2 or not len(self.scores) == len(self.own) == len(self.subjects):
            raise ValueError(
                "expected (probes, enrolled) scores and one own column and one subject per probe, "
                f"got scores {self.scores.shape}, own {self.own.shape} and subjects {self.subjects.shape}"
            )
        if len(self.own) and not -1 <= self.own.min() <= self.own.max() < self.scores.shape[1]:
            raise ValueError(
                f"expected own columns from -1 to {self.scores.shape[1] - 1}, "
                f"got {self.own.min()} to {self.own.max()}"
            )
        if np.isinf(self.scores).any():
            raise ValueError("expected finite scores, NaN where there is none, got infinite ones")
        if not self.enrolled.any() or self.enrolled.all():
            raise InputError(
                "expected probes of people who are enrolled and of others, got "
                f"{int(self.enrolled.sum())} of enrolled ones of {len(self.own)}: use the protocol open_set"
            )

    @property
    def enrolled(self) -> NDArray[np.bool_]:
        """(probes,) whether the probe's subject is enrolled."""
        return np.asarray(self.own != NOT_ENROLLED)

    def highest(self) -> NDArray[np.float64]:
        """(unenrolled probes,) the best score of each search of somebody not enrolled, -inf where none."""
        scores = self.scores[~self.enrolled].astype(np.float64)
        return np.where(np.isnan(scores), -np.inf, scores).max(axis=1)

    def mated(self, rank: int) -> NDArray[np.float64]:
        """(enrolled probes,) the score of the own identity, -inf where it is not among the first `rank`.

        Ties count against the recogniser.
        """
        if rank < 1:
            raise InputError(f"expected a rank of at least 1, got {rank}")
        scores = self.scores[self.enrolled].astype(np.float64)
        own = np.take_along_axis(scores, self.own[self.enrolled][:, None], axis=1)
        ranks = np.count_nonzero(scores >= own, axis=1)
        return np.where(np.isnan(own[:, 0]) | (ranks > rank), -np.inf, own[:, 0])


@dataclass(frozen=True)
class SearchRates:
    """Both rates at one threshold.

    Attributes:
        threshold: a score at or above it makes a candidate.
        rank: the length of the candidate list.
        fpir: share of searches of unenrolled people with a candidate.
        fnir: share of searches of enrolled people without their own identity.
    """

    threshold: float
    rank: int
    fpir: float
    fnir: float


def search_rates(searches: Searches, threshold: float, rank: int) -> SearchRates:
    """Count FPIR and FNIR at one threshold."""
    false = searches.highest() >= threshold
    missed = ~(searches.mated(rank) >= threshold)
    return SearchRates(threshold, rank, fpir=float(false.mean()), fnir=float(missed.mean()))


def search_rates_at(searches: Searches, *, fpir: float, rank: int) -> SearchRates:
    """Count both rates at the lowest threshold whose FPIR is at most `fpir`, in [0, 1)."""
    if not 0.0 <= fpir < 1.0:
        raise InputError(f"expected an FPIR of at least 0 and below 1, got {fpir}")
    return search_rates(searches, lowest_threshold(fpir, searches.highest()), rank)


def search_curve(searches: Searches, rank: int) -> tuple[NDArray[np.float64], ErrorCurve]:
    """Compute the curve of FPIR against FNIR, for drawing.

    Returns:
        (n,) thresholds, the distinct scores and inf, rising; and the (n,) rates there, FPIR as `fmr` and FNIR
        as `fnmr` of an `ErrorCurve`. FNIR at the lowest threshold is the closed-set miss rate of that rank.
    """
    mated, highest = searches.mated(rank), searches.highest()
    levels = np.unique(np.concatenate([mated, highest]))
    levels = np.append(levels[np.isfinite(levels)], np.inf)
    fpir = 1.0 - np.searchsorted(np.sort(highest), levels) / len(highest)
    fnir = np.searchsorted(np.sort(mated), levels) / len(mated)
    return levels, ErrorCurve(fmr=fpir, fnmr=fnir)


def fnir_interval_at(
    searches: Searches, *, fpir: float, rank: int, multiplicities: NDArray[np.float64]
) -> tuple[float, tuple[float, float]]:
    """Bound the FNIR at an FPIR where the threshold is chosen anew for every set of people searched for.

    Args:
        searches: enrolled people and others.
        fpir: the false positive identification rate to hold.
        rank: the length of the candidate list.
        multiplicities: (subjects, resamples), rows in the sorted order of everybody in `searches.subjects`.

    Returns:
        The FNIR at the lowest score whose FPIR is at most `fpir`, and its interval.
    """
    everyone, codes = np.unique(searches.subjects, return_inverse=True)
    if len(everyone) != len(multiplicities):
        raise ValueError(f"expected multiplicities of {len(everyone)} subjects, got {len(multiplicities)}")
    mated, highest = searches.mated(rank), searches.highest()
    levels, places = np.unique(np.concatenate([mated, highest]), return_inverse=True)
    shape = (len(levels), len(everyone))
    own = tally(places[: len(mated)], codes[searches.enrolled], shape)
    other = tally(places[len(mated) :], codes[~searches.enrolled], shape)
    rate = float(ErrorCurve.from_counts(own.sum(axis=1), other.sum(axis=1)).fnmr_at(fpir))
    width = max(1, BLOCK // len(levels))
    blocks = [multiplicities[:, i : i + width] for i in range(0, multiplicities.shape[1], width)]
    resampled = [ErrorCurve.from_counts(own @ block, other @ block).fnmr_at(fpir) for block in blocks]
    known = len(np.unique(codes[searches.enrolled]))
    return rate, rate_interval(rate, np.concatenate(resampled), known)
