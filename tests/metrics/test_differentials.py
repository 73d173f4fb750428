import numpy as np
import pytest

from selfsame.errors import InputError
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.differentials import measure_differentials
from selfsame.metrics.intervals import bias_corrected_interval, draw_multiplicities, resample_rate

NAMES = np.array([f"s{i:02}" for i in range(40)])
SEX = {name: "female" if i % 2 else "male" for i, name in enumerate(NAMES)}


def compared(seed=0, *, harder=0.0):
    """All against all of 40 people; the mated scores of men are lower by `harder`."""
    rng = np.random.default_rng(seed)
    probe, reference = np.repeat(np.arange(40), 80), np.tile(np.arange(40), 80)
    mated = probe == reference
    scores = rng.normal(size=len(probe)) + mated * (3.0 - harder * (probe % 2 == 0))
    return Comparisons(scores, NAMES[probe], NAMES[reference])


def measure(comparisons, group_of=SEX, *, threshold=1.8, least_subjects=10, resamples=200):
    drawn = draw_multiplicities(len(comparisons.subjects), resamples, np.random.default_rng(1))
    return measure_differentials(
        comparisons, group_of, threshold, least_subjects=least_subjects, multiplicities=drawn
    )


def test_rates_of_a_group_are_those_of_its_comparisons_alone():
    comparisons = compared(harder=1.0)
    found = measure(comparisons)
    assert list(found.groups) == ["female", "male"]
    for sex, rates in found.groups.items():
        within = [SEX[p] == SEX[r] == sex for p, r in zip(
            comparisons.probe_subjects, comparisons.reference_subjects, strict=True)]  # fmt: skip
        scores, mated = comparisons.scores[within], comparisons.mated[within]
        assert rates.fmr == pytest.approx(np.mean(scores[~mated] >= 1.8), abs=1e-12)
        assert rates.fnmr == pytest.approx(np.mean(scores[mated] < 1.8), abs=1e-12)
        assert (rates.subjects, rates.mated, rates.non_mated) == (20, 40, 760)
        for rate, (low, high) in (
            (rates.fmr, rates.fmr_interval),
            (rates.fnmr, rates.fnmr_interval),
        ):
            assert low <= rate <= high


def test_a_real_difference_is_found_with_its_interval():
    found = measure(compared(harder=1.5))
    spread = found.fnmr_spread
    assert spread.difference == pytest.approx(found.groups["male"].fnmr - found.groups["female"].fnmr)
    assert 0.1 < spread.interval[0] <= spread.difference <= spread.interval[1]


def test_spread_and_its_interval_come_from_the_largest_and_the_smallest_rate():
    group_of = {name: "abc"[i % 3] for i, name in enumerate(NAMES)}
    comparisons = compared(2, harder=1.0)
    found = measure(comparisons, group_of, resamples=300)
    drawn = draw_multiplicities(40, 300, np.random.default_rng(1))
    rejected = (comparisons.scores < 1.8)[comparisons.mated]
    whose = comparisons.probe_codes[comparisons.mated]
    rates = np.stack(
        [
            resample_rate(rejected[whose % 3 == k].astype(float), whose[whose % 3 == k], drawn)
            for k in range(3)
        ]
    )
    expected = max(one.fnmr for one in found.groups.values()) - min(one.fnmr for one in found.groups.values())
    assert found.fnmr_spread.difference == expected
    assert found.fnmr_spread.interval == bias_corrected_interval(
        expected, rates.max(axis=0) - rates.min(axis=0)
    )


def test_groups_that_are_alike_seldom_seem_to_differ():
    least = [measure(compared(seed)).fnmr_spread.interval[0] for seed in range(20)]
    assert sum(low > 0.02 for low in least) <= 3


def test_group_of_too_few_is_left_out_with_the_reason_and_no_number():
    group_of = SEX | {"s00": "other", "s02": "other"}
    found = measure(compared(), group_of)
    assert "other" not in found.groups
    assert found.left_out == {"other": "too few subjects: 2 with mated comparisons, 10 needed"}
    assert list(found.groups) == ["female", "male"]


def test_one_group_alone_has_no_spread():
    found = measure(compared(), dict.fromkeys(NAMES, "all"))
    assert list(found.groups) == ["all"]
    assert found.fnmr_spread is None


def test_group_never_compared_with_itself_is_left_out():
    comparisons = compared()
    male = np.array([SEX[p] == SEX[r] == "male" for p, r in zip(
        comparisons.probe_subjects, comparisons.reference_subjects, strict=True)])  # fmt: skip
    kept = comparisons.mated | ~male
    found = measure(
        Comparisons(
            comparisons.scores[kept], comparisons.probe_subjects[kept], comparisons.reference_subjects[kept]
        )
    )
    assert found.left_out == {"male": "no non-mated comparison within the group"}


def test_order_of_comparisons_and_names_of_groups_change_no_number():
    comparisons, order = compared(harder=1.0), np.random.default_rng(3).permutation(3200)
    shuffled = Comparisons(
        comparisons.scores[order], comparisons.probe_subjects[order], comparisons.reference_subjects[order]
    )
    renamed = {name: {"male": "A", "female": "B"}[sex] for name, sex in SEX.items()}
    first, second = measure(comparisons), measure(shuffled, renamed)
    assert second.groups["A"] == first.groups["male"]
    assert second.fnmr_spread.difference == pytest.approx(first.fnmr_spread.difference)


def test_groups_that_cannot_be_measured_are_refused():
    with pytest.raises(InputError, match="at least 2 subjects, got least_subjects 1"):
        measure(compared(), least_subjects=1)
    with pytest.raises(InputError, match="group for at least one subject"):
        measure(compared(), {"nobody": "male"})
