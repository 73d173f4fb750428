import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import draw_multiplicities
from selfsame.metrics.operating import threshold_at


def compared(seed, subjects=30, separation=2.5):
    rng = np.random.default_rng(seed)
    probe, reference = np.repeat(np.arange(subjects), subjects), np.tile(np.arange(subjects), subjects)
    scores = rng.normal(size=len(probe)) + separation * (probe == reference)
    return Comparisons(scores, probe.astype(str), reference.astype(str))


def point(comparisons, fmr, resamples=60):
    drawn = draw_multiplicities(len(comparisons.subjects), resamples, np.random.default_rng(0))
    return threshold_at(comparisons, fmr=fmr, multiplicities=drawn)


def test_point_by_hand():
    # non-mated 5 4 3 2 (two pairs of subjects), mated 6 4.5 1: one of four may pass, the threshold is above 4
    scores = np.array([5.0, 4.0, 3.0, 2.0, 6.0, 4.5, 1.0])
    comparisons = Comparisons(scores, np.array(list("abacabc")), np.array(list("bacaabc")))
    found = point(comparisons, 0.25)
    assert 4 < found.threshold < 4.0001
    assert (found.fmr, found.fnmr) == (0.25, pytest.approx(1 / 3))
    assert (found.mated, found.non_mated, found.subjects, found.pairs) == (3, 4, 3, 2)
    assert (found.smallest_fmr, found.supported) == (1.0, False)


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.05, 0.01, 0.001]))
@settings(max_examples=15, deadline=None)
def test_threshold_holds_the_rate_and_the_rates_lie_in_their_intervals(seed, fmr):
    comparisons = compared(seed)
    found = point(comparisons, fmr)
    accepted = comparisons.scores >= found.threshold
    assert found.fmr == np.mean(accepted[~comparisons.mated]) <= fmr
    assert found.fnmr == np.mean(~accepted[comparisons.mated])
    assert found.fmr_interval[0] <= found.fmr <= found.fmr_interval[1]
    for interval in (found.fnmr_interval, found.fnmr_interval_at_fmr):
        assert interval[0] <= found.fnmr <= interval[1]


def test_lower_false_match_rates_have_higher_thresholds_and_more_misses():
    points = [point(compared(4), fmr) for fmr in (0.3, 0.1, 0.03, 0.01)]
    assert [p.threshold for p in points] == sorted(p.threshold for p in points)
    assert [p.fnmr for p in points] == sorted(p.fnmr for p in points)


def test_smallest_claim_is_three_over_the_pairs_of_subjects():
    found = point(compared(1), 0.01)
    assert (found.pairs, found.smallest_fmr) == (435, 3 / 435)
    assert found.supported
    assert not point(compared(1), 0.001).supported
    assert point(compared(1), 0.001).fmr_interval == (0.0, 3 / 435)


@pytest.mark.parametrize("fmr", [0.0, 1.0, -0.1, float("nan")])
def test_rate_that_is_none_is_refused(fmr):
    with pytest.raises(InputError, match="above 0 and below 1"):
        point(compared(1), fmr)
