import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.failures import generalise, rates_both_ways, with_ghosts, without_ghosts
from selfsame.metrics.roc import roc_points
from selfsame.metrics.verification import error_curve

SCORES = np.array([0.9, 0.8, 0.1, 0.7, 0.2, 0.3])
COMPARISONS = Comparisons(SCORES, np.array(list("abcabc")), np.array(list("abcbca")))


def test_failures_are_rejections_by_hand():
    """FNMR 1/3 and FMR 1/3 at 0.5; one mated and three non-mated failures more: 2/4 and 1/6."""
    ghosts = with_ghosts(COMPARISONS, np.array(list("aabc")), np.array(list("abca")))
    found = rates_both_ways(ghosts, 0.5)
    assert (found.fnmr, found.fmr) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert (found.frr, found.far) == (pytest.approx(2 / 4), pytest.approx(1 / 6))
    assert (found.mated_failed, found.non_mated_failed) == (pytest.approx(1 / 4), pytest.approx(1 / 2))
    for rate, (low, high) in ((found.frr, found.frr_interval), (found.far, found.far_interval)):
        assert low <= rate <= high


def test_without_failures_both_ways_are_the_same():
    found = rates_both_ways(COMPARISONS, 0.5)
    assert (found.fmr, found.fnmr) == (found.far, found.frr)
    assert (found.fmr_interval, found.fnmr_interval) == (found.far_interval, found.frr_interval)
    assert found.mated_failed == found.non_mated_failed == 0


def test_ghosts_can_be_taken_off_again():
    ghosts = with_ghosts(COMPARISONS, np.array(["a"]), np.array(["a"]))
    assert ghosts.failed.tolist() == [False] * 6 + [True]
    np.testing.assert_array_equal(without_ghosts(ghosts).scores, SCORES)


@given(st.integers(0, 2**32 - 1), st.floats(-1, 2))
@settings(max_examples=30, deadline=None)
def test_counting_ghosts_gives_the_formula_of_the_standard(seed, threshold):
    rng = np.random.default_rng(seed)
    probes, references = rng.integers(0, 6, (2, 150)).astype(str)
    scores = rng.normal(size=150) + (probes == references)
    comparisons = Comparisons(scores, probes, references)
    failed = rng.random(150) < 0.2
    failed[[np.argmax(comparisons.mated), np.argmin(comparisons.mated)]] = False
    ghosts = Comparisons(np.where(failed, -np.inf, scores), probes, references)
    found = rates_both_ways(ghosts, threshold)
    frr = generalise(fmr=0, fnmr=found.fnmr, fta=found.mated_failed, fte=0)[1]
    far = generalise(fmr=found.fmr, fnmr=0, fta=found.non_mated_failed, fte=0)[0]
    assert (found.far, found.frr) == pytest.approx((far, frr), abs=1e-9)


def test_curves_count_ghosts_in_too():
    ghosts = with_ghosts(COMPARISONS, np.array(["a"]), np.array(["a"]))
    points = roc_points(ghosts)
    assert (points.thresholds[0], points.thresholds[1], points.fnmr[1]) == (-np.inf, 0.1, 1 / 4)
    assert error_curve(ghosts).equal_error_rate() >= error_curve(COMPARISONS).equal_error_rate()


def test_generalised_rates_by_hand():
    gfar, gfrr = generalise(fmr=0.01, fnmr=0.1, fta=0.05, fte=0.02)
    assert gfar == pytest.approx(0.01 * 0.95 * 0.98)
    assert gfrr == pytest.approx(0.02 + 0.98 * 0.05 + 0.98 * 0.95 * 0.1)
    assert generalise(fmr=0.2, fnmr=0.3, fta=0, fte=0) == (0.2, 0.3)
    assert generalise(fmr=0.2, fnmr=0.3, fta=1, fte=0) == (0, 1)


def test_what_cannot_be_counted_is_refused():
    with pytest.raises(InputError, match=r"rates from 0 to 1, got FTA 1\.5"):
        generalise(fmr=0, fnmr=0, fta=1.5, fte=0)
    with pytest.raises(InputError, match="finite threshold"):
        rates_both_ways(COMPARISONS, -np.inf)
    with pytest.raises(ValueError, match="per failed comparison, got 1 and 2"):
        with_ghosts(COMPARISONS, np.array(["a"]), np.array(["a", "b"]))
    with pytest.raises(ValueError, match=r"got 1 NaN or \+inf"):
        Comparisons(np.array([np.inf, 0.2]), np.array(["a", "a"]), np.array(["a", "b"]))
