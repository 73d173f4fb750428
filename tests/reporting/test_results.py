import json

import pytest
from pydantic import ValidationError

from selfsame.reporting.results import Metrics


def change(document, path, value):
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


def test_results_survive_json(metrics):
    text = json.dumps(metrics.model_dump(mode="json"), allow_nan=False)
    assert Metrics.model_validate_json(text) == metrics


def test_results_hold_what_the_readers_of_metrics_json_rely_on(metrics):
    document = metrics.model_dump(mode="json")
    assert list(document["protocols"]) == ["closed_set", "subject_disjoint", "open_set"]
    first = document["outcomes"][0]
    assert (first["protocol"], first["figure"], first["comparator"]) == ("closed_set", "iris_left", "cosine")
    assert {"eer", "eer_interval", "fnmr_at_fmr", "mated", "non_mated"} <= set(first["verification"])
    assert {"fnmr", "interval", "threshold"} <= set(first["verification"]["fnmr_at_fmr"]["0.01"])
    assert {"rank_1", "rank_5", "probes", "enrolled", "cmc"} <= set(first["identification"])
    assert {"attempted", "failed", "rate", "reasons"} <= set(document["failure_to_acquire"]["iris_left"])


def test_headline_is_the_chosen_comparator_of_one_modality_and_the_rule_of_several(metrics):
    named = [(one.figure, one.comparator) for one in metrics.headline("open_set")]
    assert named[0] == ("iris_left", "iris_code")
    assert named[-1] == ("all", "quality")
    assert len(named) == 7


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("outcomes",), [], "at least 1 item"),
        (("outcomes", 0, "verification", "eer"), float("nan"), "finite number"),
        (("outcomes", 0, "verification", "eer"), 1.5, "less than or equal to 1"),
        (("outcomes", 0, "verification", "eer_interval"), [0.0, float("inf")], "finite number"),
        (("outcomes", 0, "verification", "eer_percent"), 3, "Extra inputs"),
        (("outcomes", 0, "identification", "cmc"), [0.9, 0.8], "never falls"),
        (("outcomes", 0, "protocol"), "open_book", "closed_set"),
        (("schema_version",), 1, "Input should be 2"),
    ],
)
def test_results_that_cannot_be_are_refused(metrics, path, value, message):
    document = change(metrics.model_dump(mode="json"), path, value)
    with pytest.raises(ValidationError, match=message):
        Metrics.model_validate(document)


def test_confusions_add_up_to_the_presentations(metrics):
    result = metrics.classification["all"]
    assert sum(count for *_, count in result.confusions) == result.presentations == 3
