from collections.abc import Mapping

import pytest
from pydantic import ValidationError

from selfsame.reporting.run_summary import summarise_run
from selfsame.reporting.wording import percent, share

MODALITIES = ("iris_left", "fingerprint")

RESULTS: dict[str, Mapping[str, object]] = {
    "work.capture_summary": {"accepted": 900, "subjects": 45, "rejected": 183},
    "work.iris_left.timings": {"impressions": 225, "failed": 2, "images_per_second": 104.4},
    "work.fingerprint.timings": {"impressions": 450, "failed": 0, "images_per_second": 1234.5},
    "work.training_summary": {
        "epochs": 30, "seconds": 61.7, "device": "cpu", "best_epoch": 29, "training_subjects": 45,
    },
    "work.prediction_summary": {
        "by_status": {"enrolled": 720, "identified": 3, "rejected": 1, "unknown": 1},
        "files_by_status": {"enrolled": 720, "identified": 6, "rejected": 1, "unknown": 2},
    },
    "work.estimator_summary": {
        "estimators": [
            {"estimator": "pca_svm", "accuracy": {"mean": 0.968, "low": 0.95, "high": 1.01, "splits": 20}},
            {"estimator": "network", "accuracy": {"mean": 0.5, "low": None, "high": None, "splits": 1}},
        ]
    },
}  # fmt: skip


def lines(*made: str) -> list[str]:
    return list(summarise_run("work", MODALITIES, made, RESULTS.__getitem__))


def test_a_run_that_made_no_result_has_no_summary() -> None:
    assert lines("work.manifest", "other.capture_summary") == []


def test_the_captures_are_counted() -> None:
    (line,) = lines("work.capture_summary")
    assert line.split(maxsplit=1) == ["captures", "900 accepted of 45 subjects, 183 files rejected"]


def test_each_modality_that_was_made_has_a_line_in_the_order_of_the_workload() -> None:
    first, second = lines("work.fingerprint.timings", "work.iris_left.timings")
    assert "iris_left: 225 images, 2 failed to acquire, 104 images/s a worker" in first
    assert "fingerprint: 450 images" in second


def test_training_names_no_best_epoch_where_nothing_was_validated() -> None:
    name = "work.training_summary"
    (line,) = summarise_run("work", (), {name}, lambda _: {**RESULTS[name], "best_epoch": None})
    assert line.endswith("30 epochs in 62 s on cpu, 45 subjects")


def test_training_says_how_long_it_took_and_which_epoch_was_best() -> None:
    (line,) = lines("work.training_summary")
    assert "30 epochs in 62 s on cpu, best epoch 29, 45 subjects" in line


def test_predictions_are_counted_in_presentations_and_the_rest_in_files() -> None:
    (line,) = lines("work.prediction_summary")
    assert line.split(maxsplit=1)[1] == (
        "3 of 4 presentations (8 captures) identified, 1 unknown; 720 references set aside; 1 file rejected"
    )


def test_predictions_of_nobody_are_told_too() -> None:
    nothing: Mapping[str, object] = {"by_status": {"rejected": 2}, "files_by_status": {"rejected": 2}}
    (line,) = summarise_run("work", (), ["work.prediction_summary"], lambda _: nothing)
    assert line.endswith("0 of 0 presentations (0 captures) identified; 2 files rejected")


def test_predictions_without_counts_are_no_summary() -> None:
    with pytest.raises(ValidationError, match="by_status"):
        list(summarise_run("work", (), ["work.prediction_summary"], lambda _: {"by_status": []}))


def test_each_estimator_has_a_line_with_its_accuracy_and_interval() -> None:
    first, second = lines("work.estimator_summary")
    assert first.split(maxsplit=1)[1] == "pca_svm: accuracy 96.80 % [95.00, 100], 20 random splits"
    assert second.split(maxsplit=1)[1] == "network: accuracy 50.00 %, 1 random split"


def rates_of(metrics) -> list[str]:
    stored = metrics.model_dump(mode="json")
    return list(summarise_run("work", MODALITIES, ["work.metrics"], lambda _: stored))


def test_rates_come_with_their_interval_and_the_number_of_comparisons(metrics) -> None:
    shown = rates_of(metrics)
    first = metrics.headline("closed_set")[0].verification
    low, high = first.eer_interval
    line = next(line for line in shown if line.startswith("    iris_left "))
    assert f"EER {percent(first.eer)} [{share(low)}, {share(high)}]" in line
    assert "rank-1 93.00 %" in line
    assert line.endswith("24 mated, 264 non-mated")


def test_each_protocol_has_its_lines(metrics) -> None:
    topics = [line.split()[1] for line in rates_of(metrics) if line.startswith("  protocol")]
    assert topics == ["closed_set:", "subject_disjoint:", "open_set:"]
    assert len(rates_of(metrics)) == 1 + 3 * (1 + 5) + 1


def test_folds_and_people_who_are_not_enrolled_are_counted(metrics) -> None:
    text = "\n".join(rates_of(metrics))
    assert "subject_disjoint: 12 subjects, 5 folds" in text
    assert "open_set: 12 subjects, 3 not enrolled" in text


def test_search_is_summarised_at_the_lowest_fpir(metrics) -> None:
    assert "FNIR 6.70 % at FPIR 1 %" in rates_of(metrics)[-2]


def test_figures_left_out_are_named_with_the_reason(metrics) -> None:
    assert rates_of(metrics)[-1].split(maxsplit=2)[2] == "palm (cosine), closed set: no scores at all"


def test_columns_of_a_protocol_are_aligned(metrics) -> None:
    rows = rates_of(metrics)[2:7]
    assert len({line.index("EER") for line in rows}) == len({line.index("mated") for line in rows}) == 1


def test_bare_run_says_only_what_it_has(bare_run) -> None:
    chosen, protocol, row = rates_of(bare_run[1])
    assert chosen.split(maxsplit=1)[1] == "iris_left: iris_code"
    assert "rank-1" not in row
    assert "5 folds" in protocol


def test_topics_and_texts_are_aligned() -> None:
    columns = {len(line) - len(line.lstrip()) for line in lines(*RESULTS)}
    texts = {line.index(line[17:].lstrip()) for line in lines(*RESULTS)}
    assert (columns, texts) == ({2}, {17})


def speeds(core_share: float) -> list[str]:
    making = {"backend": "threading", "workers": 2, "images_per_s": 150.0, "of_floor": 0.9}
    making |= {"start_s": 0.0, "whole_s": 3.0}
    one = {"modality": "iris_left", "captures": 450, "advised": making, "configured": None}
    found = {"machine": {}, "preprocessing": [one | {"core_share": core_share}], "loading": None}
    return list(summarise_run("work", MODALITIES, ["work.benchmark"], lambda _: found))


def test_what_to_set_is_written_as_the_command_line_takes_it() -> None:
    found, advice = speeds(0.97)
    assert (
        found.split(maxsplit=1)[1] == "iris_left: threading, 2 workers: 3.0 s, 150 images/s for 450 captures"
    )
    assert advice.split(maxsplit=1)[1] == (
        "--params=work.iris_left.preprocessing.backend=threading,work.iris_left.preprocessing.workers=2"
    )


def test_figures_of_a_busy_machine_are_called_so() -> None:
    assert "other programs left this one 40% of a core" in speeds(0.4)[1]
