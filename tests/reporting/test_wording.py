import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.reporting import wording
from selfsame.reporting.wording import interval, percent, points, probability, readable, share

RATES = st.floats(0.0, 1.0, allow_subnormal=False)


def test_examples_hold():
    assert doctest.testmod(wording).failed == 0


@given(RATES)
def test_rate_is_never_rounded_to_none_or_all(rate):
    if rate not in (0.0, 1.0):
        assert share(rate) not in ("0", "0.00", "100", "100.00")


@given(RATES)
def test_written_rate_is_near_the_rate(rate):
    assert float(percent(rate).removesuffix(" %").lstrip("<>")) == pytest.approx(rate * 100, abs=0.0051)


@given(st.floats(0.5, 1.0))
def test_written_probability_is_near(number):
    assert float(probability(number).lstrip("<>")) == pytest.approx(number, abs=6e-5)


def test_differences_carry_their_sign():
    assert [points(value) for value in (0.0123, -0.0123, 0.0)] == ["+1.23", "\N{MINUS SIGN}1.23", "+0.00"]


def test_interval_repeats_the_unit_once():
    assert interval((0.0123, 0.5)) == "1.23 to 50.00 %"


def test_names_are_written_for_people():
    assert readable("iris_left+fingerprint") == "iris left + fingerprint"
    assert readable("subject_disjoint") == "subject-disjoint"
