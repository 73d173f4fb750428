import numpy as np
import pytest

from selfsame.metrics.classification import (
    classification_rates,
    count_confusions,
    macro_intervals,
    resample_macro_rates,
)
from selfsame.metrics.clustering import share_interval

TRUTH = np.array(["a", "a", "b", "b", "c", "c"])
NAMED = np.array(["a", "b", "b", "b", "c", "x"])


def test_rates_by_hand():
    rates = classification_rates(TRUTH, NAMED)
    # precision: a 1/1, b 2/3, c 1/1; recall: a 1/2, b 2/2, c 1/2; F1: 2/3, 4/5, 2/3
    assert rates.accuracy == pytest.approx(4 / 6)
    assert rates.precision == pytest.approx((1 + 2 / 3 + 1) / 3)
    assert rates.recall == pytest.approx((1 / 2 + 1 + 1 / 2) / 3)
    assert rates.f1 == pytest.approx((2 / 3 + 4 / 5 + 2 / 3) / 3)


def test_naming_everybody_rightly_gives_one_everywhere():
    rates = classification_rates(TRUTH, TRUTH)
    assert (rates.accuracy, rates.precision, rates.recall, rates.f1) == (1, 1, 1, 1)


def test_order_of_presentations_changes_nothing():
    order = np.random.default_rng(0).permutation(6)
    assert classification_rates(TRUTH[order], NAMED[order]) == classification_rates(TRUTH, NAMED)


def test_confusions_have_the_truth_in_rows():
    labels, counts = count_confusions(TRUTH, NAMED)
    assert labels == ["a", "b", "c", "x"]
    assert counts.tolist() == [[1, 1, 0, 0], [0, 2, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]


SHOWN, CALLED = np.array(list("aaabbc")), np.array(list("aabbxa"))


def test_resample_of_everybody_once_repeats_the_macro_rates():
    rates, again = classification_rates(SHOWN, CALLED), resample_macro_rates(SHOWN, CALLED, np.ones((3, 1)))
    assert again.precision == pytest.approx([rates.precision])
    assert again.recall == pytest.approx([rates.recall])
    assert again.f1 == pytest.approx([rates.f1])


def test_subject_drawn_twice_counts_twice_and_one_not_drawn_never():
    """a twice, b once: a is named 4 times, always rightly, b 3 times, once rightly; c is not drawn."""
    again = resample_macro_rates(SHOWN, CALLED, np.array([[2.0], [1.0], [0.0]]))
    assert again.precision == pytest.approx([(2 * 4 / 4 + 1 / 3) / 3])
    assert again.recall == pytest.approx([(2 * 2 / 3 + 1 / 2) / 3])
    assert again.f1 == pytest.approx([(2 * 8 / 10 + 2 / 5) / 3])


def test_one_subject_alone_can_be_measured_without_a_warning(recwarn):
    alone = np.array(["a", "a"])
    assert resample_macro_rates(alone, alone, np.ones((1, 2))).f1.tolist() == [1.0, 1.0]
    assert count_confusions(alone, alone)[1].tolist() == [[2]]
    assert not recwarn.list


def test_macro_intervals_hold_the_rates_and_ignore_the_order():
    rng = np.random.default_rng(4)
    truth = np.repeat(np.char.zfill(np.arange(30).astype(str), 2), 4)
    named = np.where(rng.random(120) < 0.8, truth, rng.permutation(truth))
    rates, intervals = classification_rates(truth, named), macro_intervals(truth, named)
    order = rng.permutation(120)
    shuffled = macro_intervals(truth[order], named[order])
    for name in ("precision", "recall", "f1"):
        low, high = getattr(intervals, name)
        assert 0 < low < getattr(rates, name) < high < 1
        assert getattr(shuffled, name) == pytest.approx((low, high))


def test_macro_intervals_of_recall_are_those_of_the_mean_over_subjects():
    """With as many presentations of everybody the jackknife variance is that of a mean."""
    rng = np.random.default_rng(4)
    truth = np.repeat(np.char.zfill(np.arange(30).astype(str), 2), 4)
    named = np.where(rng.random(120) < 0.8, truth, "x")
    assert macro_intervals(truth, named).recall == pytest.approx(share_interval(named == truth, truth))


def test_nothing_wrong_is_bounded_by_the_rule_of_three_and_one_subject_by_nothing():
    everybody = np.repeat(np.char.zfill(np.arange(30).astype(str), 2), 4)
    assert macro_intervals(everybody, everybody).f1 == pytest.approx((0.9, 1.0))
    assert macro_intervals(np.array(["a", "a"]), np.array(["a", "b"])).f1 == (0.0, 1.0)
