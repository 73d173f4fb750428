import numpy as np
import pytest
from scipy.optimize import minimize

from selfsame.matching.score_fusion.log_slopes import fit_log_slopes


def draw(mated, non_mated, distances, seed=0):
    same = np.arange(mated + non_mated) < mated
    scores = np.random.default_rng(seed).normal(np.array(distances) * same[:, None])
    return scores - np.array(distances) / 2, same


def slow_loss(at, evidence, mated, prior, spread, offset_spread):
    """The formula of the docstring, one term a line."""
    llrs = evidence @ np.exp(at[:-1]) + at[-1]
    shift = np.log(prior / (1 - prior))
    own = prior * np.mean(np.log1p(np.exp(-llrs[mated] - shift)))
    others = (1 - prior) * np.mean(np.log1p(np.exp(llrs[~mated] + shift)))
    fewer = min(mated.sum(), (~mated).sum())
    return (
        fewer * (own + others) + np.sum(at[:-1] ** 2) / (2 * spread**2) + at[-1] ** 2 / (2 * offset_spread**2)
    )


@pytest.mark.parametrize(
    ("prior", "spread", "offset_spread"), [(0.5, 1.0, 1.0), (0.01, 0.3, 2.0), (0.9, 3.0, 1e6)]
)
@pytest.mark.parametrize("distances", [(1.0,), (2.0, 0.5), (4.0, 0.0, 3.0)])
def test_fit_is_the_minimum_that_another_optimiser_finds(distances, prior, spread, offset_spread):
    data = draw(40, 300, distances)
    factors, offset = fit_log_slopes(*data, prior=prior, spread=spread, offset_spread=offset_spread)
    start = np.zeros(len(distances) + 1)
    other = minimize(slow_loss, start, (*data, prior, spread, offset_spread), tol=1e-10)
    found = slow_loss(np.append(np.log(factors), offset), *data, prior, spread, offset_spread)
    assert found <= other.fun + 1e-8  # what its numerical gradient leaves
    np.testing.assert_allclose(np.append(np.log(factors), offset), other.x, atol=1e-3)


def test_narrower_spread_keeps_the_factor_nearer_to_one():
    evidence, mated = draw(200, 2_000, (1.0,))
    factors = [fit_log_slopes(5 * evidence, mated, prior=0.5, spread=s)[0][0] for s in (0.01, 0.1, 1.0, 10.0)]
    assert 0.9 < factors[0] < 1.0
    assert factors == sorted(factors, reverse=True)
    assert factors[-1] == pytest.approx(0.2, abs=0.05)


def test_more_copies_of_the_non_mated_comparisons_change_nothing():
    evidence, mated = draw(50, 200, (1.5,))
    more = np.concatenate([evidence, evidence[~mated]]), np.concatenate([mated, mated[~mated]])
    one, other = (fit_log_slopes(*data, prior=0.5, spread=1.0) for data in ((evidence, mated), more))
    np.testing.assert_allclose(np.append(*other), np.append(*one), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e9])
def test_separable_evidence_gives_finite_factors(scale):
    evidence, mated = draw(50, 200, (20.0, 20.0))
    factors, offset = fit_log_slopes(scale * evidence, mated, prior=0.5, spread=1.0)
    assert np.isfinite(factors).all()
    assert np.isfinite(offset)
    assert (factors > 0).all()


def test_stratum_that_holds_more_mated_comparisons_is_no_evidence():
    mated = np.array([True] * 90 + [False] * 10 + [True] * 10 + [False] * 90)
    strata = np.repeat([0, 1], 100)
    shifts = np.column_stack([strata == 0, strata == 1]).astype(float)
    evidence = np.zeros((200, 1))
    plain = fit_log_slopes(evidence, mated, prior=0.5, spread=1.0, offsets=shifts)[1]
    np.testing.assert_allclose(plain, [np.log(9), -np.log(9)], atol=1e-6)
    balanced = fit_log_slopes(evidence, mated, prior=0.5, spread=1.0, offsets=shifts, strata=strata)[1]
    np.testing.assert_allclose(balanced, 0.0, atol=1e-9)
