"""Principal components and Bayesian logistic regression, tempered by held-out folds."""

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedKFold

from selfsame.learning.estimators.components import Components
from selfsame.learning.estimators.estimator import Estimator, Images, count_folds
from selfsame.learning.estimators.laplace import average_posterior, fit_posterior
from selfsame.learning.estimators.settings import PcaBayes

SMALLEST_PROBABILITY = 1e-12

Choice = tuple[float, float]
"""A prior variance and a temperature."""


class PcaBayesEstimator(Estimator):
    """A posterior over the weights of a softmax on principal components; predictions average over it.

    The coordinates are centred, so there is no intercept. Prior variance and temperature are those of the
    candidates whose averaged predictions have the least log loss on held-out folds of the training pictures.
    A temperature of 1 is Bayes' posterior; where people are separable, a Gaussian at the mode is far too wide
    for it, and a colder one predicts better (P. Gruenwald, T. van Ommen, Inconsistency of Bayesian inference
    for misspecified linear models, 2017; F. Wenzel et al., How good is the Bayes posterior in deep neural
    networks really?, 2020).
    """

    def __init__(self, settings: PcaBayes, seed: int) -> None:
        super().__init__(seed)
        self.settings = settings

    def _learn(self, images: Images, codes: NDArray[np.int64], people: int) -> None:
        """Learn components, hyperparameters and posterior from the training pictures."""
        self._components = self._find_components(images)
        self._explained_share = self._components.faces.explained_share
        self.chosen = self._choose(images, codes, people)
        rows = self._components.transform(images)
        self._posterior = fit_posterior(rows, codes, people, self.chosen[0])

    def _predict(self, images: Images) -> NDArray[np.float64]:
        """Average over the posterior of the weights."""
        values = self._posterior.predict_values(self._components.transform(images))
        return average_posterior(*values, self.chosen[1], self.settings.draws, self._seed)

    def _find_components(self, images: Images) -> Components:
        return Components.fit(images, self.settings.components, whitening=self.settings.whitening)

    def _choose(self, images: Images, codes: NDArray[np.int64], people: int) -> Choice:
        """Choose the candidates with the least log loss over all held-out pictures."""
        candidates = list(product(self.settings.prior_variances, self.settings.temperatures))
        if len(candidates) == 1:
            return candidates[0]
        losses = dict.fromkeys(candidates, 0.0)
        folds = StratifiedKFold(
            count_folds(codes, self.settings.folds), shuffle=True, random_state=self._seed
        )
        for kept, held_out in folds.split(images, codes):
            components = self._find_components(images[kept])
            rows, others = components.transform(images[kept]), components.transform(images[held_out])
            for choice, posterior in self._try_candidates(rows, codes[kept], people, others):
                true = posterior[np.arange(len(held_out)), codes[held_out]]
                losses[choice] -= float(np.log(np.maximum(true, SMALLEST_PROBABILITY)).sum())
        return min(candidates, key=lambda choice: losses[choice])

    def _try_candidates(
        self, rows: NDArray[np.float64], codes: NDArray[np.int64], people: int, others: NDArray[np.float64]
    ) -> Iterator[tuple[Choice, NDArray[np.float64]]]:
        for variance in self.settings.prior_variances:
            values = fit_posterior(rows, codes, people, variance).predict_values(others)
            for temperature in self.settings.temperatures:
                yield (
                    (variance, temperature),
                    average_posterior(*values, temperature, self.settings.draws, self._seed),
                )
