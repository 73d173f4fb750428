"""How often intervals of 95 % hold the truth, by simulation: 92 to 97 of 100, more where errors are few.

benchmarks/bootstrap.py has the finer table.
"""

import numpy as np
import pytest
from scipy.stats import norm

from selfsame.metrics.classification import classification_rates, macro_intervals
from selfsame.metrics.clustering import pair_share_interval, share_interval
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.intervals import draw_multiplicities, rate_interval
from selfsame.metrics.roc import area_interval, equal_error_interval
from selfsame.metrics.verification import draw_curves, error_curve


def held(intervals, truth):
    table = np.array(intervals)
    return np.mean((table[:, 0] <= truth) & (truth <= table[:, 1]))


def slack(simulations):
    """2.5 standard errors of a coverage of 95 % in so many simulations."""
    return 2.5 * np.sqrt(0.95 * 0.05 / simulations)


@pytest.mark.parametrize("subjects", [20, 60, 200])
@pytest.mark.parametrize("rate", [0.005, 0.03, 0.1, 0.3])
def test_interval_of_a_rate_by_subject_covers(subjects, rate):
    """FNMR and rank-1: people's own rates differ (beta, correlation 0.15), five trials each."""
    rng, intervals, owners = np.random.default_rng(subjects), [], np.repeat(np.arange(subjects), 5)
    for _ in range(400):
        own = rng.beta(rate * 5.7, (1 - rate) * 5.7, subjects)
        intervals.append(share_interval(rng.random(len(owners)) < own[owners], owners))
    coverage = held(intervals, rate)
    assert coverage >= 0.92 - slack(400)
    if rate * subjects >= 5:  # enough errors not to be conservative
        assert coverage <= 0.97 + slack(400)


@pytest.mark.parametrize("subjects", [20, 60])
@pytest.mark.parametrize("rate", [0.005, 0.03, 0.3])
@pytest.mark.parametrize("wolf", [0.0, 0.35])
def test_interval_of_a_rate_by_pairs_of_subjects_covers(subjects, rate, wolf):
    """FMR: both sides' people make false matches likelier or rarer, and both directions share some noise."""
    rng, intervals = np.random.default_rng(subjects), []
    first, second = np.triu_indices(subjects, 1)
    threshold = norm.isf(rate) * np.sqrt(1 + 2 * wolf**2)
    for _ in range(200):
        person = rng.normal(0, wolf, subjects)
        pair = person[first] + person[second] + rng.normal(0, np.sqrt(0.5), len(first))
        scores = np.concatenate([pair, pair]) + rng.normal(0, np.sqrt(0.5), 2 * len(first))
        ends = np.concatenate([first, second]), np.concatenate([second, first])
        intervals.append(pair_share_interval(scores >= threshold, *ends))
    coverage = held(intervals, rate)
    assert coverage >= 0.92 - slack(200)
    if rate * len(first) >= 20:
        assert coverage <= 0.97 + slack(200)


GOAT, WOLF = 0.7, 0.35
MATED_SD, OTHER_SD = np.hypot(GOAT, 1), np.sqrt(2 * WOLF**2 + 1)


def draw(rng, subjects, eer):
    """Scores of two probes of everybody with everybody, whose equal error rate is known."""
    probe, reference = (
        np.repeat(np.arange(subjects), 2 * subjects),
        np.tile(np.arange(subjects), 2 * subjects),
    )
    goat, wolf = rng.normal(0, GOAT, subjects), rng.normal(0, WOLF, subjects)
    separation = OTHER_SD * norm.isf(eer) - MATED_SD * norm.ppf(eer)
    mated = probe == reference
    scores = np.where(mated, separation + goat[probe], wolf[probe] + wolf[reference])
    scores = scores + rng.normal(size=len(probe))
    area = norm.cdf(separation / np.hypot(MATED_SD, OTHER_SD))
    fnmr = norm.cdf((OTHER_SD * norm.isf(0.05) - separation) / MATED_SD)
    return Comparisons(scores, probe.astype(str), reference.astype(str)), area, fnmr


@pytest.mark.parametrize(("subjects", "eer"), [(20, 0.005), (20, 0.1), (50, 0.02)])
def test_intervals_of_eer_auc_and_fnmr_at_fmr_cover(subjects, eer):
    rng = np.random.default_rng(subjects)
    rounds = 150 if subjects == 20 else 80
    intervals = {"eer": [], "auc": [], "fnmr": []}
    for _ in range(rounds):
        comparisons, area, fnmr = draw(rng, subjects, eer)
        curves = list(draw_curves(comparisons, draw_multiplicities(subjects, 60, rng)))
        eers = np.concatenate([curve.equal_error_rate() for curve in curves])
        fnmrs = np.concatenate([curve.fnmr_at(0.05) for curve in curves])
        observed = float(error_curve(comparisons).fnmr_at(0.05))
        intervals["eer"].append(equal_error_interval(comparisons, eers))
        intervals["auc"].append(
            area_interval(comparisons, np.concatenate([curve.area() for curve in curves]))
        )
        intervals["fnmr"].append(rate_interval(observed, fnmrs, subjects))
    for name, truth in (("eer", eer), ("auc", area), ("fnmr", fnmr)):
        assert held(intervals[name], truth) >= 0.92 - slack(rounds), name


@pytest.mark.parametrize(("subjects", "noise"), [(20, 0.6), (40, 1.2)])
def test_intervals_of_macro_rates_cover_and_do_not_lean(subjects, noise):
    rng, names = np.random.default_rng(9), np.char.zfill(np.arange(subjects).astype(str), 3)
    owner, values, intervals = np.repeat(np.arange(subjects), 4), [], []
    for _ in range(120):
        looks = rng.normal(size=(subjects, 3))
        shown = looks[owner] + noise * rng.normal(size=(len(owner), 3))
        named = names[np.linalg.norm(shown[:, None] - looks[None], axis=2).argmin(axis=1)]
        values.append(classification_rates(names[owner], named))
        intervals.append(macro_intervals(names[owner], named))
    for name in ("precision", "recall", "f1"):
        truth = np.mean([getattr(value, name) for value in values])
        assert held([getattr(interval, name) for interval in intervals], truth) >= 0.92 - slack(120), name
