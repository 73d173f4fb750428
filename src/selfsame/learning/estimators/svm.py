"""Principal components and a linear support vector machine, with decision values made probabilities."""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.svm import LinearSVC

from selfsame.learning.estimators.components import Components
from selfsame.learning.estimators.estimator import Estimator, Images, count_folds
from selfsame.learning.estimators.settings import PcaSvm

ITERATIONS = 20_000
TOLERANCE = 1e-3
LOG_FACTOR_BOUNDS = (-5.0, 8.0)
"""Natural logarithms of the factors of decision values that are searched."""

CalibratedSvm = CalibratedClassifierCV


class PcaSvmEstimator(Estimator):
    """One linear machine a person against the rest, on principal components (C.-W. Hsu, C.-J. Lin, 2002).

    Decision values have no scale of probabilities. `platt` fits one sigmoid a person to held-out decision
    values and divides by their sum (J. Platt, 1999); `temperature` fits the one factor of all decision values
    before a softmax (C. Guo et al., On calibration of modern neural networks, 2017), which keeps their order.
    """

    def __init__(self, settings: PcaSvm, seed: int) -> None:
        super().__init__(seed)
        self.settings = settings

    def _learn(self, images: Images, codes: NDArray[np.int64], people: int) -> None:
        """Learn components, machines and calibration from the training pictures."""
        self._components = Components.fit(images, self.settings.components, whitening=self.settings.whitening)
        self._explained_share = self._components.faces.explained_share
        rows = self._components.transform(images)
        folds = StratifiedKFold(
            count_folds(codes, self.settings.folds), shuffle=True, random_state=self._seed
        )
        machine = LinearSVC(
            C=self.settings.cost, dual=True, max_iter=ITERATIONS, tol=TOLERANCE, random_state=self._seed
        )
        if self.settings.calibration == "platt":
            self._machine = CalibratedSvm(machine, method="sigmoid", cv=folds, ensemble=False).fit(
                rows, codes
            )
            return
        held_out = cross_val_predict(machine, rows, codes, cv=folds, method="decision_function")
        self._factor = fit_factor(_two_columns(held_out), codes)
        self._machine = machine.fit(rows, codes)

    def _predict(self, images: Images) -> NDArray[np.float64]:
        rows = self._components.transform(images)
        if self.settings.calibration == "platt":
            return np.asarray(self._machine.predict_proba(rows), np.float64)
        decisions = _two_columns(self._machine.decision_function(rows))
        return np.asarray(softmax(self._factor * decisions, axis=1))


def fit_factor(decisions: NDArray[np.float64], codes: NDArray[np.int64]) -> float:
    """Find the factor of (n, classes) held-out decision values whose softmax has the least log loss."""

    def loss(log_factor: float) -> float:
        log_posterior = log_softmax(np.exp(log_factor) * decisions, axis=1)
        return float(-log_posterior[np.arange(len(codes)), codes].mean())

    return float(np.exp(minimize_scalar(loss, bounds=LOG_FACTOR_BOUNDS, method="bounded").x))


def _two_columns(decisions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give two people a column each; scikit-learn gives them one, of the second."""
    if decisions.ndim == 1:
        return np.stack([-decisions, decisions], axis=1) / 2
    return decisions
