"""Rates of naming one of the subjects known from training (closed set)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support


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


def count_confusions(truth: NDArray[np.str_], named: NDArray[np.str_]) -> tuple[list[str], NDArray[np.int64]]:
    """Count who was named whom.

    Returns:
        The n subjects on either side, sorted, and the (n, n) counts: row the truth, column the name.
    """
    labels = np.unique(np.concatenate([truth, named]))
    return [str(label) for label in labels], confusion_matrix(truth, named, labels=labels)
