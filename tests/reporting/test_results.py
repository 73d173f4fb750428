import json

import pytest
from pydantic import ValidationError

from selfsame.errors import DamagedError
from selfsame.reporting.results import Metrics, read_operating_points


def change(document, path, value):
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


def test_results_survive_json(metrics):
    text = json.dumps(metrics[1].model_dump(mode="json"), allow_nan=False)
    assert Metrics.model_validate_json(text) == metrics[1]


def test_results_hold_what_the_readers_of_metrics_json_rely_on(metrics):
    document = metrics[1].model_dump(mode="json")
    assert document["protocol"]["kind"] == "closed_set"
    assert list(document["verification"]) == ["iris_left", "iris_right", "irises"]
    assert {"eer", "eer_interval", "fnmr_at_fmr", "mated", "non_mated"} <= set(
        document["verification"]["irises"]
    )
    assert {"fnmr", "interval", "threshold"} <= set(document["verification"]["irises"]["fnmr_at_fmr"]["0.01"])
    assert {"rank_1", "rank_1_interval", "rank_5", "probes", "enrolled", "cmc"} <= set(
        document["identification"]["irises"]
    )
    assert {"attempted", "failed", "rate", "reasons"} <= set(document["failure_to_acquire"]["iris_left"])


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("verification",), {}, "at least 1 item"),
        (("verification", "irises", "eer"), float("nan"), "finite number"),
        (("verification", "irises", "eer"), 1.5, "less than or equal to 1"),
        (("verification", "irises", "eer_interval"), [0.0, float("inf")], "finite number"),
        (("verification", "irises", "eer_percent"), 3, "Extra inputs"),
        (("identification", "irises", "cmc"), [0.9, 0.8], "never falls"),
        (("protocol", "kind"), "open_book", "closed_set"),
        (("schema_version",), 2, "Input should be 1"),
    ],
)
def test_results_that_cannot_be_are_refused(metrics, path, value, message):
    document = change(metrics[1].model_dump(mode="json"), path, value)
    with pytest.raises(ValidationError, match=message):
        Metrics.model_validate(document)


POINT = {
    "model_version": "m1", "modalities": ["iris_left"], "synthetic_impressions": [], "stated_fmr": 0.01,
    "threshold": 0.5, "fmr": 0.01, "fmr_supported": True, "fnmr": 0.1, "fnmr_interval": [0.0, 0.2],
    "mated": 9, "non_mated": 90,
}  # fmt: skip


def test_operating_points_are_read_with_their_types():
    assert read_operating_points({"iris_left": POINT})["iris_left"].threshold == 0.5


@pytest.mark.parametrize("change", [{"threshold": "high"}, {"threshold": None}, {"fnmr": 2.0}])
def test_operating_points_that_the_evaluation_never_wrote_are_refused_in_one_line(change):
    with pytest.raises(DamagedError, match=rf"got {next(iter(change))}: [^\n]* run evaluation again$"):
        read_operating_points({"iris_left": POINT | change})


def test_confusions_add_up_to_the_presentations(metrics):
    result = metrics[1].classification["irises"]
    assert sum(count for *_, count in result.confusions) == result.presentations == 3
