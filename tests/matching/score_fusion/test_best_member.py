import numpy as np
import pytest

from selfsame.errors import InputError
from selfsame.matching.score_fusion.best_member import compare_with_best_member
from selfsame.matching.score_fusion.cross_fitting import cross_fit
from selfsame.matching.score_fusion.settings import FusionSettings
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.verification import error_curve

SETTINGS = FusionSettings(normalisation="z", weights="d_prime", calibration="logistic", prior=0.5, spread=1.0)
STRONG = {"useless": (3.5, 0.0), "far better": (4.5, 1.5), "separable": (12.0, 2.0), "half": (3.5, 3.0)}


def draw(distances, subjects=45, captures=5, seed=0, missing=0.0):
    rng = np.random.default_rng(seed)
    names = np.repeat([f"s{i:03}" for i in range(subjects)], captures)
    left, right = np.triu_indices(len(names), 1)
    mated = names[left] == names[right]
    kept = mated | (rng.random(len(mated)) < 0.2)
    left, right, mated = left[kept], right[kept], mated[kept]
    scores = rng.normal(np.array(distances) * mated[:, None])
    lacking = rng.random(len(names)) < missing
    scores[lacking[left] | lacking[right], -1] = np.nan
    return scores, mated, names[left], names[right]


def compare(fused, members, drawn, seed=0):
    return compare_with_best_member(
        fused, members, *drawn[2:], resamples=200, rng=np.random.default_rng(seed)
    )


@pytest.mark.parametrize("scenario", STRONG)
@pytest.mark.parametrize("rule", ["sum", "likelihood_ratio", "logistic", "quality"])
def test_no_rule_is_worse_than_its_best_member(rule, scenario):
    drawn = draw(STRONG[scenario], missing=0.3 if scenario == "half" else 0.0)
    qualities = np.random.default_rng(1).random(drawn[0].shape)
    fused = cross_fit(rule, *drawn, groups=5, seed=0, settings=SETTINGS, qualities=qualities)
    found = compare(fused, {"first": drawn[0][:, 0], "second": drawn[0][:, 1]}, drawn)
    assert not found.is_worse
    assert found.member == "first"


def test_equal_weights_are_worse_where_a_modality_is_useless():
    drawn = draw((3.5, 0.0))
    settings = SETTINGS.model_copy(update={"weights": "equal"})
    fused = cross_fit("sum", *drawn, groups=5, seed=0, settings=settings)
    assert compare(fused, {"first": drawn[0][:, 0], "second": drawn[0][:, 1]}, drawn).is_worse


def test_two_equal_members_are_better_together():
    drawn = draw((2.5, 2.5))
    found = compare(drawn[0].sum(axis=1), {"a": drawn[0][:, 0], "b": drawn[0][:, 1]}, drawn)
    assert found.difference < found.interval[1] < 0


def test_a_score_is_neither_worse_nor_better_than_itself():
    drawn = draw((2.0,))
    found = compare(np.exp(drawn[0][:, 0]), {"same": drawn[0][:, 0]}, drawn)
    assert (found.difference, found.interval) == (0.0, (0.0, 0.0))
    assert not found.is_worse


def test_rates_are_those_of_the_comparisons_that_both_can_score():
    drawn = draw((3.0, 2.0), missing=0.4)
    second = drawn[0][:, 1]
    found = compare(drawn[0][:, 0], {"second": second}, drawn)
    rows = np.isfinite(second)
    assert found.comparisons == rows.sum() < len(rows)
    for scores, rate in ((second, found.member_rate), (drawn[0][:, 0], found.fused_rate)):
        curve = error_curve(Comparisons(scores[rows], drawn[2][rows], drawn[3][rows]))
        assert rate == curve.equal_error_rate()


def test_same_seed_gives_the_same_interval():
    drawn = draw((2.0, 2.0))
    members = {"a": drawn[0][:, 0]}
    one, other, third = (compare(drawn[0].sum(axis=1), members, drawn, seed=seed) for seed in (1, 1, 2))
    assert one == other != third


def test_member_without_mated_comparisons_is_refused_by_name():
    drawn = draw((2.0, 2.0))
    with pytest.raises(InputError, match="member finger cannot be compared"):
        compare(drawn[0][:, 0], {"finger": np.where(drawn[1], np.nan, 0.0)}, drawn)


def test_no_members_are_refused():
    drawn = draw((2.0,))
    with pytest.raises(InputError, match="at least one member"):
        compare(drawn[0][:, 0], {}, drawn)
