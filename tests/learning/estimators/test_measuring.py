import pandas as pd
import pytest

from selfsame.learning.estimators.measuring import list_worst, summarise_estimators
from selfsame.learning.estimators.trials import ESTIMATOR_COLUMNS


def answer(capture: str, named: str, *, estimator: str = "svm", components: int = 5) -> dict[str, object]:
    return {
        "split": 1,
        "estimator": estimator,
        "components": components,
        "capture_id": capture,
        "subject_id": capture[0],
        "named": named,
        "confidence": 0.5,
    }


ANSWERS = pd.DataFrame(
    [
        answer("a1", "a"),
        answer("a2", "b"),
        answer("a2", "b"),
        answer("a2", "c"),
        answer("b1", "b"),
        answer("b1", "a"),
        answer("b1", "c", components=9),
    ]
)


def measure(split: int, estimator: str, components: int, accuracy: float) -> dict[str, object]:
    row = dict.fromkeys(ESTIMATOR_COLUMNS, 0.1) | {"train": 10, "test": 10}
    explained = 0.9 if components else None
    return row | {
        "split": split,
        "estimator": estimator,
        "components": components,
        "accuracy": accuracy,
        "explained_share": explained,
    }


MEASURES = pd.DataFrame(
    [
        measure(1, "svm", 5, 0.9),
        measure(1, "network", 0, 1.0),
        measure(1, "svm", 2, 0.5),
        measure(2, "svm", 5, 0.7),
        measure(2, "network", 0, 0.8),
    ]
)


def test_worst_captures_are_listed_by_their_share_of_wrong_names():
    worst = list_worst(ANSWERS)
    assert [(one["capture_id"], one["misnamed"], one["asked"], one["named"]) for one in worst] == [
        ("a2", 3, 3, "b"),
        ("b1", 2, 3, "a"),
    ]


def test_nothing_is_listed_where_all_is_right():
    assert list_worst(ANSWERS[:1]) == []


def test_means_are_of_the_configured_number_of_components():
    summary = summarise_estimators(MEASURES, ANSWERS)
    assert [(one["estimator"], one["components"]) for one in summary["estimators"]] == [
        ("svm", 5),
        ("network", 0),
    ]
    assert summary["estimators"][0]["accuracy"]["mean"] == pytest.approx(0.8)
    assert summary["estimators"][1]["explained_share"] is None


def test_sweep_lists_every_number_of_components_on_its_own_splits():
    swept = summarise_estimators(MEASURES, ANSWERS)["components"]
    assert [(one["components"], one["accuracy"]["splits"]) for one in swept] == [(2, 1), (5, 2)]


def test_worst_leaves_out_the_sweep():
    worst = summarise_estimators(MEASURES, ANSWERS)["worst"]
    assert {one["capture_id"]: one["asked"] for one in worst}["b1"] == 2
