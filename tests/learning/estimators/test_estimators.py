"""What every estimator has to do, whatever its kind."""

import numpy as np
import pytest

from selfsame.errors import InputError
from selfsame.learning.estimators.estimator import build_estimator

KINDS = ("svm", "bayes", "network")
TRAIN = np.arange(30) % 6 < 4


@pytest.fixture(params=KINDS)
def settings(request):
    return request.getfixturevalue(request.param)


def fitted(settings, faces, seed=5):
    images, captures = faces
    estimator = build_estimator(settings, seed)
    estimator.fit(images[TRAIN], list(captures["subject_id"][TRAIN]))
    return estimator


def test_people_are_named_by_a_posterior(settings, faces):
    images, captures = faces
    estimator = fitted(settings, faces)
    posterior = estimator.predict_posterior(images[~TRAIN])
    named = np.array(estimator.classes)[posterior.argmax(axis=1)]
    assert estimator.classes == ("s0", "s1", "s2", "s3", "s4")
    assert posterior.shape == (10, 5)
    np.testing.assert_allclose(posterior.sum(axis=1), 1, atol=1e-6)
    assert (posterior >= 0).all()
    assert (named == captures["subject_id"][~TRAIN]).mean() >= 0.8


def test_the_same_seed_gives_the_same_posterior(settings, faces):
    once, again = (fitted(settings, faces).predict_posterior(faces[0]) for _ in range(2))
    np.testing.assert_array_equal(once, again)


def test_a_posterior_does_not_depend_on_what_else_is_asked(settings, faces):
    estimator = fitted(settings, faces)
    whole, single = estimator.predict_posterior(faces[0]), estimator.predict_posterior(faces[0][3:4])
    np.testing.assert_allclose(whole[3:4], single, atol=1e-5)  # sums of other lengths round differently


def test_two_people_are_enough(settings, faces):
    images, captures = faces
    two = captures["subject_id"].isin(["s1", "s3"]).to_numpy()
    estimator = build_estimator(settings, 1)
    estimator.fit(images[two], list(captures["subject_id"][two]))
    posterior = estimator.predict_posterior(images[two])
    assert (posterior.argmax(axis=1) == np.repeat([0, 1], 6)).mean() > 0.8


def test_one_person_is_refused(settings, faces):
    with pytest.raises(InputError, match="expected pictures of two or more people to tell apart, got 1"):
        build_estimator(settings, 1).fit(faces[0][:3], ["s0"] * 3)


def test_an_answer_before_the_fit_is_refused(settings, faces):
    with pytest.raises(InputError, match="expected a fitted estimator"):
        build_estimator(settings, 1).predict_posterior(faces[0])
