import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import top_k_accuracy_score

from selfsame.metrics.identification import cumulative_match, mated_ranks, rank_rate


def test_ranks_by_hand():
    scores = np.array([[0.9, 0.1, 0.5], [0.9, 0.1, 0.5], [0.2, 0.3, 0.1]])
    np.testing.assert_array_equal(mated_ranks(scores, np.array([0, 1, 0])), [1, 3, 2])


def test_ties_count_against_the_recogniser():
    np.testing.assert_array_equal(mated_ranks(np.zeros((2, 4)), np.array([0, 3])), [4, 4])


def test_subject_without_anything_to_compare_ranks_below_all():
    np.testing.assert_array_equal(mated_ranks(np.array([[-0.9, np.nan, 0.1]]), np.array([0])), [2])


def test_probe_without_a_score_of_its_own_is_refused():
    with pytest.raises(ValueError, match="own subject, got 1 NaN"):
        mated_ranks(np.array([[np.nan, 0.3]]), np.array([0]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
@settings(max_examples=40, deadline=None)
def test_rank_rates_agree_with_scikit_learn(seed, rank):
    rng = np.random.default_rng(seed)
    scores, own = rng.normal(size=(30, 8)), rng.integers(0, 8, 30)
    expected = top_k_accuracy_score(own, scores, k=rank, labels=np.arange(8))
    assert rank_rate(mated_ranks(scores, own), rank) == pytest.approx(expected)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=25, deadline=None)
def test_cumulative_match_never_falls_ends_at_one_and_ignores_the_order_of_probes(seed):
    rng = np.random.default_rng(seed)
    ranks = mated_ranks(rng.normal(size=(20, 6)), rng.integers(0, 6, 20))
    curve = cumulative_match(ranks, 6)
    assert curve == sorted(curve)
    assert curve[-1] == 1
    assert curve == cumulative_match(rng.permutation(ranks), 6)
