from inspect import signature
from types import SimpleNamespace
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from selfsame.errors import InputError, MismatchError
from selfsame.imaging.arrays import ShardedArrays
from selfsame.pipelines.inference import create_pipeline
from selfsame.pipelines.inference.nodes import list_new_captures, predict_identities
from selfsame.pipelines.inference.params import InferenceParameters
from selfsame.pipelines.preprocessing import create_pipeline as create_preprocessing
from selfsame.sources.tables import DISTINCT, REJECTED

MODALITIES = ("iris_left", "fingerprint")
PARAMETERS = {"batch_size": 4, "device": "cpu", "candidates": 3}


def empty(columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def captured(*names: str) -> pd.DataFrame:
    """Captures as the sifting leaves them, of one subject."""
    texts = {name: ["x"] * len(names) for name, kind in DISTINCT.items() if kind == "str"}
    numbers = {name: range(1, len(names) + 1) for name, kind in DISTINCT.items() if kind != "str"}
    table = pd.DataFrame({**texts, **numbers, "capture_id": list(names), "path": list(names)})
    return table.astype(dict(DISTINCT))


def test_inference_needs_new_captures_and_what_the_main_job_left() -> None:
    data = {name for name in create_pipeline(MODALITIES).inputs() if not name.startswith("params:")}
    made = {f"new.{modality}.made_shards" for modality in MODALITIES}
    assert data == {"new.captures", "checkpoint", "embeddings", "operating_points", *made}


def test_new_captures_share_the_parameters_of_training() -> None:
    parameters = {name for name in create_pipeline(MODALITIES).inputs() if name.startswith("params:")}
    assert parameters == {
        "params:layout",
        "params:data_engineering",
        "params:seed",
        "params:inference",
        "params:iris_left.preprocessing",
        "params:fingerprint.preprocessing",
    }


def test_new_captures_go_through_the_functions_of_the_main_job() -> None:
    inference = {node.func for node in create_pipeline(MODALITIES).nodes if node.namespace != "new"}
    assert {node.func for node in create_preprocessing().nodes} < inference


def test_nothing_that_inference_writes_overwrites_the_main_job() -> None:
    outputs = create_pipeline(MODALITIES).all_outputs()
    shared = {name for name in outputs if not name.startswith("new.")}
    assert shared == {"predictions", "prediction_summary"}


def test_the_parameters_reach_the_node_typed() -> None:
    node = next(one for one in create_pipeline(MODALITIES).nodes if one.name == "predict_identities")
    argument = list(signature(node.func).parameters)[node.inputs.index("params:inference")]
    assert get_type_hints(node.func)[argument] is InferenceParameters


@pytest.mark.parametrize("wrong", [{"candidates": 0}, {"batch_size": -1}, {"threshold": 0.5}])
def test_wrong_parameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        InferenceParameters(**{**PARAMETERS, **wrong})


def test_new_captures_are_probes_and_nobody_is_enrolled() -> None:
    manifest = list_new_captures(captured("a", "b"), empty(REJECTED))
    assert manifest["role"].tolist() == ["probe", "probe"]
    assert manifest["split"].tolist() == ["test", "test"]
    assert set(manifest["protocol"]) == {"unenrolled"}


def test_a_folder_without_any_usable_capture_is_refused_with_an_example() -> None:
    rejected = empty(REJECTED)
    rejected.loc[0] = ["a.txt", 3, "not_an_image", "expected an image"]
    with pytest.raises(InputError, match=r"all 1 files were refused, most as not_an_image: a\.txt"):
        list_new_captures(captured(), rejected)


def test_captures_of_other_modalities_alone_are_refused() -> None:
    nothing = ShardedArrays({"one": np.empty((0, 2, 16, 32), dtype=np.uint8)})
    index = pd.DataFrame({"modality": pd.Series(dtype="str"), "capture_id": pd.Series(dtype="str")})
    tables = [pd.DataFrame(), {}, captured("a"), empty(REJECTED)]
    with pytest.raises(InputError, match="captures of at least one modality"):
        predict_identities(InferenceParameters(**PARAMETERS), None, *tables, nothing, index)


def test_thresholds_that_another_model_chose_are_refused() -> None:
    arrays = ShardedArrays({"one": np.zeros((1, 2, 16, 32), dtype=np.uint8)})
    index = pd.DataFrame({"modality": ["iris_left"], "capture_id": ["a"]})
    point = {
        "model_version": "other", "modalities": ["iris_left"], "synthetic_impressions": [],
        "stated_fmr": 0.01, "threshold": 0.5, "fmr": 0.01, "fmr_supported": True, "fnmr": 0.1,
        "fnmr_interval": [0.0, 0.2], "mated": 9, "non_mated": 90,
    }  # fmt: skip
    tables = [pd.DataFrame(), {"iris_left": point}, captured("a"), empty(REJECTED)]
    with pytest.raises(MismatchError, match="the operating points of model m1, got those of other: run"):
        predict_identities(
            InferenceParameters(**PARAMETERS), SimpleNamespace(version="m1"), *tables, arrays, index
        )
