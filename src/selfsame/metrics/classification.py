"""Rates of naming one of the subjects known from training (closed set)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_fscore_support

from selfsame.metrics.intervals import FEW, RULE_OF_THREE, exact_interval


@dataclass(frozen=True)
class ClassificationRates:
    """Accuracy and the unweighted means over the subjects that were presented.

    Attributes:
        accuracy: share of presentations named rightly.
        precision: mean over subjects of: of those named so, the share that were (0 where none was named so).
        recall: mean over subjects of: of those that were, the share named so.
        f1: mean over subjects of the harmonic mean of the two.
    """

    accuracy: float
    precision: float
    recall: float
    f1: float


def classification_rates(truth: NDArray[np.str_], named: NDArray[np.str_]) -> ClassificationRates:
    """Compare the names given with the true ones, both (n,)."""
    precision, recall, f1, _ = precision_recall_fscore_support(
        truth, named, labels=np.unique(truth), average="macro", zero_division=0.0
    )
    return ClassificationRates(float(np.mean(truth == named)), float(precision), float(recall), float(f1))


@dataclass(frozen=True)
class ResampledRates:
    """The macro rates of ClassificationRates in every resample of the subjects: (resamples,) each."""

    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


def resample_macro_rates(
    truth: NDArray[np.str_], named: NDArray[np.str_], multiplicities: NDArray[np.float64]
) -> ResampledRates:
    """Recompute the macro rates; a subject drawn n times counts n times, as truth and in the mean.

    Args:
        truth: (n,) who was presented.
        named: (n,) who was named.
        multiplicities: (subjects, resamples), rows in the sorted order of the subjects in `truth`.
    """
    subjects, codes = np.unique(truth, return_inverse=True)
    presented = np.bincount(codes)[:, None] * multiplicities
    hits = np.bincount(codes, weights=truth == named)[:, None] * multiplicities
    labels, counts = count_confusions(truth, named)
    places = np.searchsorted(labels, subjects)
    claimed = counts[np.ix_(places, places)].T @ multiplicities  # how often each subject was named

    def mean(hits: NDArray[np.float64], trials: NDArray[np.float64]) -> NDArray[np.float64]:
        rates = np.divide(hits, trials, out=np.zeros_like(hits), where=trials > 0)
        return np.asarray((rates * multiplicities).sum(axis=0) / multiplicities.sum(axis=0))

    return ResampledRates(mean(hits, claimed), mean(hits, presented), mean(2 * hits, claimed + presented))


@dataclass(frozen=True)
class MacroIntervals:
    """Intervals of 95 % of the macro rates of ClassificationRates."""

    precision: tuple[float, float]
    recall: tuple[float, float]
    f1: tuple[float, float]


def macro_intervals(truth: NDArray[np.str_], named: NDArray[np.str_]) -> MacroIntervals:
    """Bound the macro rates by the jackknife over subjects.

    Resamples that repeat subjects lean upwards: whoever is not drawn can no longer be mistaken for another,
    and the variance of precision comes out too small. Leaving out one subject at a time does neither; its
    intervals err on the wide side. Source: B. Efron, C. Stein, "The jackknife estimate of variance", Annals
    of Statistics 9 (1981).

    Args:
        truth: (n,) who was presented.
        named: (n,) who was named.
    """
    rates = classification_rates(truth, named)
    subjects, codes = np.unique(truth, return_inverse=True)
    count, right = len(subjects), truth == named
    if count < 2:
        return MacroIntervals((0.0, 1.0), (0.0, 1.0), (0.0, 1.0))
    without = resample_macro_rates(truth, named, 1.0 - np.eye(count))

    def bound(rate: float, others: NDArray[np.float64]) -> tuple[float, float]:
        return exact_interval(
            rate,
            float(((others - others.mean()) ** 2).sum()) * (count - 1) / count,
            count - 1,
            margin=RULE_OF_THREE / count,
            few_hits=len(np.unique(codes[right])) <= FEW,
            few_misses=len(np.unique(codes[~right])) <= FEW,
        )

    return MacroIntervals(
        precision=bound(rates.precision, without.precision),
        recall=bound(rates.recall, without.recall),
        f1=bound(rates.f1, without.f1),
    )


def count_confusions(truth: NDArray[np.str_], named: NDArray[np.str_]) -> tuple[list[str], NDArray[np.int64]]:
    """Count who was named whom.

    Returns:
        The n subjects on either side, sorted, and the (n, n) counts: row the truth, column the name.
    """
    labels = np.unique(np.concatenate([truth, named]))
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    np.add.at(counts, (np.searchsorted(labels, truth), np.searchsorted(labels, named)), 1)
    return [str(label) for label in labels], counts
