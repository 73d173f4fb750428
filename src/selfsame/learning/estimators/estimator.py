"""What an estimator is, and the one that belongs to given settings."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.learning.estimators.settings import EstimatorSettings, PcaBayes, PcaSvm

Images = NDArray[np.uint8]
"""(n, height, width) grey levels."""


class Estimator(ABC):
    """Learns people from labelled pictures and gives a posterior over them for others.

    Args:
        seed: of whatever is drawn.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._names: tuple[str, ...] = ()
        self._explained_share: float | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """The names learnt, sorted: the columns of a posterior."""
        return self._names

    @property
    def explained_share(self) -> float | None:
        """Share (0..1) of the training images' variance in the components kept; None without components."""
        return self._explained_share

    def fit(self, images: Images, labels: Sequence[str]) -> None:
        """Learn from (n, height, width) uint8 pictures and the names of who is on each.

        Raises:
            InputError: there are fewer than two people, or too few or too small pictures.
        """
        names, codes = encode_labels(labels)
        self._learn(images, codes, len(names))
        self._names = names

    def predict_posterior(self, images: Images) -> NDArray[np.float64]:
        """Return (n, classes) probabilities whose rows sum to 1.

        Raises:
            InputError: nothing was learnt yet.
        """
        if not self._names:
            raise InputError("expected a fitted estimator, got one that has seen no picture: call fit first")
        return self._predict(images)

    @abstractmethod
    def _learn(self, images: Images, codes: NDArray[np.int64], people: int) -> None:
        """Learn from pictures and (n,) the number of who is on each, from 0."""

    @abstractmethod
    def _predict(self, images: Images) -> NDArray[np.float64]:
        """Return (n, people) probabilities by what was learnt."""


def build_estimator(settings: EstimatorSettings, seed: int) -> Estimator:
    """Build the estimator of these settings, not fitted.

    Args:
        settings: of one kind.
        seed: of whatever the estimator draws (weights, folds, augmentation).
    """
    if isinstance(settings, PcaSvm):
        from selfsame.learning.estimators.svm import PcaSvmEstimator

        return PcaSvmEstimator(settings, seed)
    if isinstance(settings, PcaBayes):
        from selfsame.learning.estimators.bayes import PcaBayesEstimator

        return PcaBayesEstimator(settings, seed)
    from selfsame.learning.estimators.network import NetworkEstimator

    return NetworkEstimator(settings, seed)


def encode_labels(labels: Sequence[str]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Number the names: the sorted names, and (n,) the place of each label among them.

    Raises:
        InputError: there are fewer than two people.

    >>> encode_labels(["b", "a", "b"])
    (('a', 'b'), array([1, 0, 1]))
    """
    names, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    if len(names) < 2:
        raise InputError(f"expected pictures of two or more people to tell apart, got {len(names)}")
    return tuple(map(str, names)), codes.astype(np.int64)


def count_folds(codes: NDArray[np.int64], wanted: int) -> int:
    """Return how many stratified folds there can be: as wanted, or as the person with fewest pictures has.

    Raises:
        InputError: somebody has one picture, so that nothing can be held out.
    """
    fewest = int(np.bincount(codes).min())
    if fewest < 2:
        raise InputError(
            "expected two or more training pictures of each person to calibrate on, got one: raise "
            "training_captures, or leave this estimator out"
        )
    return min(wanted, fewest)
