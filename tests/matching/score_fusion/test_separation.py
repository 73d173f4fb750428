import numpy as np
import pytest

from selfsame.matching.score_fusion.separation import LEAST, separation


@pytest.mark.parametrize("distance", [1.0, 2.0, 3.0])
def test_normal_classes_give_their_distance(distance):
    mated = np.arange(60_000) < 20_000
    scores = np.random.default_rng(0).normal(distance * mated)
    assert separation(scores, mated) == pytest.approx(distance, abs=0.06)  # EER of 20,000 is known to 0.2 %


def test_monotone_map_of_the_scores_changes_nothing():
    mated = np.arange(900) < 300
    scores = np.random.default_rng(0).normal(2.0 * mated)
    assert separation(np.exp(scores), mated) == separation(scores, mated)


def test_separable_scores_are_far_apart_but_not_infinitely():
    mated = np.arange(99) < 49
    # no errors in 49: Laplace's 0.5 / 50 is 1 %, and -2 Phi^-1(0.01) = 4.653
    assert separation(mated * 1.0, mated) == pytest.approx(4.653, abs=1e-3)


@pytest.mark.parametrize("scores", [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, np.nan]])
def test_useless_or_inverted_scores_have_the_least(scores):
    assert separation(np.array(scores), np.array([True, True, False, False])) == LEAST
