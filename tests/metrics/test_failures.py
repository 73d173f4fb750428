import doctest

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.metrics import failures
from selfsame.metrics.failures import Prevented, count_prevented
from selfsame.metrics.intervals import draw_multiplicities

ONCE = np.ones((3, 1))


def test_failures_are_rejections_by_hand():
    """Of ten mated attempts two failed and of the other eight one was rejected: 3 in 10."""
    prevented = count_prevented(np.array([4.0, 4, 2]), np.array([0.0, 2, 0]), ONCE)
    assert (prevented.share, prevented.subjects) == (0.2, 3)
    rate, (low, high) = prevented.count_as_errors(1 / 8, np.array([1 / 8]))
    assert rate == pytest.approx(3 / 10)
    assert low <= rate <= high


def test_without_failures_the_rate_stays():
    prevented = count_prevented(np.array([4.0, 4, 2]), np.zeros(3), ONCE)
    assert prevented.count_as_errors(0.25, np.array([0.25]))[0] == 0.25


def test_who_attempted_nothing_is_no_subject():
    assert count_prevented(np.array([4.0, 0, 2]), np.array([1.0, 0, 0]), ONCE).subjects == 2


def test_where_everything_failed_every_attempt_is_an_error():
    prevented = Prevented(1.0, np.array([1.0, 1.0]), subjects=4)
    rate, (low, high) = prevented.count_as_errors(0.0, np.array([np.nan, 0.0]))  # no score, no FNMR
    assert (rate, high) == (1.0, 1.0)
    assert low == pytest.approx(1 / 4)  # the rule of three


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_shares_of_resamples_are_those_of_repeated_subjects(seed):
    rng = np.random.default_rng(seed)
    attempted = rng.integers(1, 9, 6).astype(float)
    failed = np.floor(attempted * rng.random(6))
    drawn = draw_multiplicities(6, 20, rng)
    found = count_prevented(attempted, failed, drawn).resampled
    for column, times in enumerate(drawn.T.astype(int)):
        expected = np.repeat(failed, times).sum() / np.repeat(attempted, times).sum()
        assert found[column] == pytest.approx(expected, abs=1e-12)


def test_resample_without_attempts_is_no_number():
    found = count_prevented(np.array([2.0, 0.0]), np.array([1.0, 0.0]), np.array([[0.0], [2.0]]))
    assert np.isnan(found.resampled).all()


def test_the_example_holds():
    assert doctest.testmod(failures).failed == 0
