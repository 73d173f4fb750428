import math

import numpy as np
import pytest
from scipy.stats import t

from selfsame.metrics.repeated_splits import average_splits


def test_interval_is_that_of_the_formula_by_hand():
    found = average_splits([0.90, 0.94, 0.98], test_share=1.0)
    reach = t.ppf(0.975, 2) * 0.04 * math.sqrt(1 / 3 + 1)
    assert found.mean == pytest.approx(0.94)
    assert found.deviation == pytest.approx(0.04)
    assert (found.low, found.high) == (pytest.approx(0.94 - reach), pytest.approx(0.94 + reach))


def test_interval_does_not_vanish_however_many_splits_there_are():
    values = np.random.default_rng(0).normal(0.9, 0.01, 2000)
    found = average_splits(values, test_share=1.0)
    plain = 1.96 * 0.01 / math.sqrt(2000)
    assert (found.high - found.low) / 2 > 20 * plain


def test_one_split_has_no_interval():
    found = average_splits([0.9], test_share=1.0)
    assert (found.mean, found.deviation, found.low, found.high) == (0.9, None, None, None)


def test_equal_values_have_an_interval_of_no_width():
    found = average_splits([0.5, 0.5, 0.5], test_share=0.25)
    assert found.low == found.high == 0.5
