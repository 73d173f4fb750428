import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from selfsame.pipelines.estimation import create_pipeline
from selfsame.pipelines.estimation.nodes import (
    draw_capture_splits,
    fit_estimators,
    report_estimators,
    summarise_splits,
)
from selfsame.pipelines.estimation.params import EstimationParameters
from selfsame.shards.arrays import ShardedArrays

SHIPPED = Path(__file__).parents[2] / "conf/base/parameters_estimation.yml"


@pytest.fixture
def block() -> dict:
    text = SHIPPED.read_text().replace("${globals:device}", "cpu")
    return yaml.safe_load(text)["faces"]["estimation"]


def small(block: dict, **changes: object) -> EstimationParameters:
    names = {"pca_svm": block["estimators"]["pca_svm_temperature"] | {"folds": 2}}
    sweep = {"components": [2, 150], "estimators": ["pca_svm"], "splits": 1}
    return EstimationParameters.model_validate(
        block | {"splits": 2, "training_captures": 3, "estimators": names, "sweep": sweep} | changes
    )


@pytest.fixture
def captures() -> tuple[ShardedArrays, pd.DataFrame]:
    """Four people with five pictures each; the second of the first person has failed."""
    rng = np.random.default_rng(5)
    pixels = np.clip(rng.normal(128, 40, (4, 1, 2, 8, 8)) + rng.normal(0, 15, (4, 5, 2, 8, 8)), 0, 255)
    index = pd.DataFrame(
        {
            "capture_id": [f"{k:02d}" for k in range(20)],
            "impression": 0,
            "subject_id": np.repeat(["s1", "s2", "s3", "s4"], 5),
            "capture_index": np.tile(np.arange(1, 6), 4),
            "status": "ok",
            "shard": "a",
            "row": range(20),
        }
    )
    index.loc[1, ["status", "shard", "row"]] = ["failed", None, -1]
    return ShardedArrays({"a": pixels.astype(np.uint8).reshape(20, 2, 8, 8)}), index


def test_nodes_lead_from_arrays_to_a_page(block: dict, captures: tuple[ShardedArrays, pd.DataFrame]):
    arrays, index = captures
    parameters = small(block)
    splits = draw_capture_splits(index, parameters, 1)
    answers, estimators = fit_estimators(arrays, index, splits, parameters, 1)
    summary = summarise_splits(estimators, answers)
    page, _ = report_estimators(summary, parameters, 1)
    assert "01" not in set(splits["capture_id"])
    assert list(estimators["components"]) == [150, 2, 150]
    assert json.dumps(summary, allow_nan=False)
    assert "pca svm" in page


def test_only_captures_within_the_range_take_part(block: dict, captures: tuple[ShardedArrays, pd.DataFrame]):
    parameters = small(block, captures={"first": 2, "last": 5}, training_captures=2)
    splits = draw_capture_splits(captures[1], parameters, 1)
    shown = captures[1].set_index("capture_id").loc[splits["capture_id"], "capture_index"]
    assert set(shown) == {2, 3, 4, 5}


def test_shipped_sweep_tries_every_number_of_components_once(block: dict):
    candidates = EstimationParameters.model_validate(block).list_candidates()
    tried = [(one.name, one.components) for one in candidates]
    assert len(tried) == len(set(tried))
    assert {(name, k) for name in ("pca_svm", "pca_bayes") for k in (10, 20, 40, 80, 150)} <= set(tried)


def test_stages_are_told_by_their_tags():
    tags = {node.name: set(node.tags) for node in create_pipeline("face").nodes}
    assert tags["draw_capture_splits"] == tags["fit_estimators"] == {"training"}
    assert tags["summarise_splits"] == tags["report_estimators"] == {"evaluation"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"captures": {"first": 5, "last": 4}}, r"captures\.first of at most last \(4\), got 5"),
        ({"sweep": {"components": [5], "estimators": ["nobody"], "splits": 1}}, "got 'nobody'"),
        ({"sweep": {"components": [5], "estimators": ["network"], "splits": 1}}, "got 'network'"),
        ({"estimators": {}}, "at least 1 item"),
        ({"estimators": {"a": {"kind": "forest"}}}, "does not match any of the expected tags"),
        ({"splits": 0}, "greater than 0"),
        ({"misspelt": 1}, "Extra inputs are not permitted"),
    ],
)
def test_wrong_parameters_are_refused(block: dict, changes: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        EstimationParameters.model_validate(block | changes)
