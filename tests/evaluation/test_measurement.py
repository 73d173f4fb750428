import numpy as np
import pandas as pd
import pytest

from selfsame.evaluation.measurement import (
    measure_acquisition,
    measure_classification,
    measure_enrolment,
    measure_verification,
    why_left_out,
)
from selfsame.evaluation.searching import measure_identification, measure_open_set


def test_separated_scores_have_no_error_and_the_bound_of_the_rule_of_three(scores, attempts, resampling):
    result = measure_verification(scores(separation=50.0), attempts(), [0.01], resampling)
    assert result.eer == 0
    assert result.eer_interval == (0.0, 3 / 6)
    assert result.fnmr_at_fmr["0.01"].interval == (0.0, 3 / 6)
    assert (result.mated, result.non_mated, result.subjects) == (12, 60, 6)


def test_failures_counted_as_errors_raise_the_rate_and_its_interval(scores, attempts, resampling):
    tried = attempts(failed=("s0", "s0", "s0", "s1"))
    point = measure_verification(scores(separation=50.0), tried, [0.01], resampling).fnmr_at_fmr["0.01"]
    assert point.fnmr == 0
    assert point.fnmr_with_failures == pytest.approx(4 / 16)
    low, high = point.fnmr_with_failures_interval
    assert 0 < low < 4 / 16 < high < 1  # wider than nothing: two of six subjects have all the failures
    assert point.interval[1] < high


def test_subject_of_whom_everything_failed_counts_with_failures_only(scores, attempts, resampling):
    tried = attempts(subjects=("s0", "s1", "s2", "s3", "s4", "s5", "zz"))
    tried.loc[6, ["mated_failed", "probes_failed"]] = 2
    result = measure_verification(scores(separation=50.0), tried, [0.01], resampling)
    assert (result.subjects, result.fnmr_at_fmr["0.01"].fnmr) == (6, 0)
    assert result.fnmr_at_fmr["0.01"].fnmr_with_failures == pytest.approx(2 / 14)
    assert measure_identification(
        scores(separation=50.0), tried, 20, resampling
    ).rank_1_with_failures == pytest.approx(12 / 14)


def test_false_match_rate_that_so_few_subjects_cannot_show_is_marked(scores, attempts, resampling):
    points = measure_verification(scores(subjects=12), attempts(), [0.1, 0.01], resampling).fnmr_at_fmr
    assert points["0.1"].fmr_supported  # 66 pairs of subjects, 30 needed
    assert not points["0.01"].fmr_supported  # 300 needed


def test_stated_false_match_rate_holds_at_its_threshold(scores, attempts, resampling):
    table = scores(subjects=20, separation=2.0)
    point = measure_verification(table, attempts(), [0.05], resampling).fnmr_at_fmr["0.05"]
    accepted = table["score"] >= np.float32(point.threshold)
    assert accepted[~table["mated"]].mean() == pytest.approx(point.fmr)
    assert (~accepted)[table["mated"]].mean() == pytest.approx(point.fnmr)
    assert point.fmr <= 0.05
    assert point.interval[0] <= point.fnmr <= point.interval[1]


def test_probe_is_identified_by_the_best_record_of_each_subject(attempts, resampling):
    rows = [("a", "a", 0.2), ("a", "a", 0.9), ("a", "b", 0.5), ("b", "a", 0.4), ("b", "b", 0.3)]
    table = pd.DataFrame(
        [(p, r, f"{p}/1", s) for p, r, s in rows],
        columns=["probe_subject", "reference_subject", "probe", "score"],
    )
    result = measure_identification(table, attempts(), 20, resampling)
    assert (result.rank_1, result.rank_5, result.probes, result.enrolled) == (0.5, 1.0, 2, 2)
    assert result.cmc == [0.5, 1.0]


def test_probe_without_an_own_reference_is_no_search(attempts, resampling):
    rows = [("a", "a", 0.9), ("a", "b", 0.5), ("c", "a", 0.4), ("b", "b", 0.3), ("b", "a", 0.1)]
    table = pd.DataFrame(
        [(p, r, f"{p}/1", s) for p, r, s in rows],
        columns=["probe_subject", "reference_subject", "probe", "score"],
    )
    assert measure_identification(table, attempts(), 20, resampling).probes == 2


def test_probe_that_failed_counts_as_not_identified(scores, attempts, resampling):
    result = measure_identification(
        scores(separation=50.0), attempts(failed=("s0", "s1", "s2")), 20, resampling
    )
    assert (result.rank_1, result.rank_1_with_failures) == (1.0, pytest.approx(12 / 15))
    assert (result.probes, result.probes_failed, result.probes_attempted) == (12, 3, 15)


def test_interval_of_a_rate_with_failures_is_its_own(scores, attempts, resampling):
    result = measure_identification(
        scores(separation=50.0), attempts(failed=("s0", "s1", "s2")), 20, resampling
    )
    low, high = result.rank_1_with_failures_interval
    assert 0 < low < result.rank_1_with_failures < high < 1
    assert result.rank_1_interval == (0.5, 1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda table: table[:0], "at least two subjects, there are those of 0"),
        (lambda table: table[table["probe_subject"] == "s0"], "at least two subjects, there are those of 1"),
        (lambda table: table[table["mated"]], "need non-mated scores, there are none"),
    ],
)
def test_figure_whose_scores_give_no_rates_is_left_out_with_the_reason(scores, change, reason):
    assert reason in why_left_out(change(scores()))
    assert why_left_out(scores()) is None


def test_classification_keeps_the_confusions_that_occurred(resampling):
    table = pd.DataFrame({"subject_id": list("aabb"), "named": list("aabc")})
    result = measure_classification(table, resampling)
    assert result.accuracy == 0.75
    assert result.confusions == [("a", "a", 2), ("b", "b", 1), ("b", "c", 1)]
    assert result.recall_macro == 0.75
    low, high = result.recall_macro_interval
    assert low < 0.75 < high


def test_presentation_that_could_not_be_classified_is_counted(resampling):
    table = pd.DataFrame({"subject_id": list("aabb"), "named": ["a", None, "b", "b"]})
    result = measure_classification(table, resampling)
    assert (result.presentations, result.presentations_failed, result.accuracy) == (3, 1, 1.0)


def test_failures_to_acquire_are_counted_by_reason_and_impressions_apart(resampling):
    index = pd.DataFrame(
        {
            "subject_id": list("aabb"),
            "impression": [0, 1, 0, 1],
            "status": ["ok", "ok", "failed", "failed"],
            "reason": [None, None, "no_ridges", "no_ridges"],
        }
    )
    failures = measure_acquisition({"fingerprint": index}, resampling)
    assert list(failures) == ["fingerprint", "fingerprint_synthetic_impressions"]
    assert failures["fingerprint"].rate == 0.5
    assert failures["fingerprint"].reasons == {"no_ridges": 1}


def search(*rows):
    """Rows of the table of scores: probe, its subject, enrolled subject, score."""
    return pd.DataFrame(rows, columns=["probe", "probe_subject", "reference_subject", "score"])


def test_open_set_counts_strangers_named_and_the_enrolled_not_named(resampling):
    """Two enrolled, two strangers: s1 scores above b's own 0.5, s2 below everything."""
    table = search(
        ("a1", "a", "a", 0.9), ("a1", "a", "b", 0.2), ("b1", "b", "a", 0.1), ("b1", "b", "b", 0.5),
        ("x1", "s1", "a", 0.7), ("x1", "s1", "b", 0.3), ("y1", "s2", "a", 0.0), ("y1", "s2", "b", 0.1),
    )  # fmt: skip
    result = measure_open_set(table, (0.5, 0.1), resampling)
    half, tenth = result.fnir_at_fpir["0.5"], result.fnir_at_fpir["0.1"]
    assert (half.fpir, half.fnir) == (0.5, 0.0)  # one stranger of two may be named: 0.5 is low enough
    assert (tenth.fpir, tenth.fnir) == (0.0, 0.5)  # nobody may: above 0.7, b is lost
    assert (result.mated_searches, result.non_mated_searches) == (2, 2)
    assert (result.enrolled, result.unenrolled) == (2, 2)
    assert not half.fpir_supported  # two strangers show no rate below 1
    fpir, fnir = zip(*result.curve, strict=True)
    assert fpir[0] == 1
    assert list(fpir) == sorted(fpir, reverse=True)
    assert list(fnir) == sorted(fnir)


def test_stranger_is_searched_by_the_best_of_his_references(resampling):
    table = search(
        ("a1", "a", "a", 0.6), ("a1", "a", "b", 0.2), ("b1", "b", "b", 0.6), ("b1", "b", "a", 0.2),
        ("x1", "s1", "a", 0.1), ("x1", "s1", "a", 0.8),
    )  # fmt: skip
    assert measure_open_set(table, (0.1,), resampling).fnir_at_fpir["0.1"].fnir == 1.0


@pytest.mark.parametrize("strangers", [False, True])
def test_searches_of_one_kind_alone_give_no_open_set_rates(resampling, strangers):
    owner = "s" if strangers else "a"
    table = search(("p1", owner, "a", 0.5), ("p2", owner, "b", 0.5), ("p2", owner, "a", 0.4))
    assert measure_open_set(table, (0.1,), resampling) is None


def test_strangers_take_no_part_in_rank_k_rates(attempts, resampling):
    table = search(
        ("a1", "a", "a", 0.9), ("a1", "a", "b", 0.2), ("b1", "b", "b", 0.9), ("b1", "b", "a", 0.2),
        ("x1", "s1", "a", 1.0), ("x1", "s1", "b", 1.0),
    )  # fmt: skip
    result = measure_identification(table, attempts(subjects=("a", "b")), 20, resampling)
    assert (result.rank_1, result.probes, result.enrolled) == (1.0, 2, 2)


def test_order_of_rows_changes_no_rate(scores, attempts, resampling):
    table = scores(separation=1.0, subjects=12)
    mixed = table.sample(frac=1, random_state=1)
    assert measure_verification(table, attempts(), [0.1], resampling) == measure_verification(
        mixed, attempts(), [0.1], resampling
    )
    assert measure_identification(table, attempts(), 5, resampling) == measure_identification(
        mixed, attempts(), 5, resampling
    )


def test_failures_to_enrol_count_subjects_none_of_whose_references_gave_a_template(resampling):
    index = pd.DataFrame({
        "capture_id": list("pqrst"), "subject_id": list("aabbc"), "impression": 0,
        "status": ["failed", "ok", "failed", "failed", "ok"], "role": "", "split": "", "protocol": "",
    })  # fmt: skip
    assignments = pd.DataFrame({
        "protocol": "closed_set", "fold": 0, "capture_id": list("pqrst"), "split": "train",
        "role": ["reference", "reference", "reference", "reference", "probe"],
    })  # fmt: skip
    (failure,) = measure_enrolment({"iris_left": index}, assignments, resampling).values()
    assert (failure.attempted, failure.failed, failure.rate) == (2, 1, 0.5)
