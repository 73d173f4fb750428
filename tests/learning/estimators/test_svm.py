import numpy as np
import pytest
from scipy.special import log_softmax

from selfsame.errors import InputError
from selfsame.learning.estimators.svm import PcaSvmEstimator, fit_factor


def test_factor_has_less_log_loss_than_its_neighbours():
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 4, 60)
    decisions = rng.normal(0, 1, (60, 4)) + 1.5 * np.eye(4)[codes]
    found = fit_factor(decisions, codes)

    def loss(factor):
        return -log_softmax(factor * decisions, axis=1)[np.arange(60), codes].mean()

    assert loss(found) < min(loss(found * 1.05), loss(found / 1.05))


def test_both_calibrations_give_posteriors_of_the_same_machines(faces, svm):
    images, captures = faces
    for calibration in ("platt", "temperature"):
        estimator = PcaSvmEstimator(svm.model_copy(update={"calibration": calibration}), 1)
        estimator.fit(images, list(captures["subject_id"]))
        named = np.array(estimator.classes)[estimator.predict_posterior(images).argmax(axis=1)]
        assert (named == captures["subject_id"]).all()
        assert 0 < estimator.explained_share < 1


def test_one_picture_of_a_person_cannot_be_calibrated(faces, svm):
    images, captures = faces
    with pytest.raises(InputError, match="expected two or more training pictures of each person"):
        PcaSvmEstimator(svm, 1).fit(images[5:14], list(captures["subject_id"][5:14]))
