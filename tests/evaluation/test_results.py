import json

import pytest
from pydantic import ValidationError

from selfsame.evaluation.results import Metrics


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
    assert (first["protocol"], first["figure"]) == ("closed_set", "iris_left")
    assert {"eer", "eer_interval", "fnmr_at_fmr", "mated", "non_mated"} <= set(first["verification"])
    assert {"fnmr", "interval", "threshold"} <= set(first["verification"]["fnmr_at_fmr"]["0.01"])
    assert {"rank_1", "rank_1_interval", "rank_5", "probes", "enrolled", "cmc"} <= set(
        first["identification"]
    )
    assert {"attempted", "failed", "rate", "reasons"} <= set(document["failure_to_acquire"]["iris_left"])


def test_headline_is_what_inference_would_do(metrics):
    """Each modality by its chosen comparator, each set of several by the chosen rule, and nothing twice."""
    headline = metrics.headline("open_set")
    assert len({outcome.figure for outcome in headline}) == len(headline) == 7
    for outcome in headline:
        alone = len(outcome.modalities) == 1
        chosen = metrics.setting.chosen[outcome.modalities[0]] if alone else metrics.setting.fusion
        assert outcome.comparator == chosen
        assert outcome.protocol == "open_set"


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
        (("outcomes", 0, "calibration", "cllr"), -0.1, "greater than or equal to 0"),
        (("subsets", 0, "difference_interval"), [0.0, float("nan")], "finite number"),
        (("protocols",), {"open_book": {}}, "closed_set"),
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
