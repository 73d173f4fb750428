from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml
from pydantic import ValidationError

from selfsame.pipelines.training import create_pipeline
from selfsame.pipelines.training.params import TrainingParameters

MODALITIES = ("iris_left", "fingerprint")


@pytest.fixture
def block() -> dict[str, object]:
    text = Path("conf/base/parameters_training.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text.replace("${globals:device}", "cpu"))["biometrics"]["training"]


def test_graph_takes_arrays_and_index_of_every_modality():
    assert create_pipeline(MODALITIES).inputs() == {
        "params:training",
        "params:cross_validation",
        "params:seed",
        "training_workspace",
        "folds_workspace",
        "assignments",
        "iris_left.arrays",
        "iris_left.index",
        "fingerprint.arrays",
        "fingerprint.index",
    }


def test_typed_parameters_reach_the_node():
    node = next(one for one in create_pipeline(MODALITIES).nodes if one.name == "fit_recogniser")
    argument = list(signature(node.func).parameters)[node.inputs.index("params:training")]
    assert get_type_hints(node.func)[argument] is TrainingParameters


def test_shipped_parameters_are_valid(block):
    assert TrainingParameters(**block).encoder_of["iris_left"] == "iris"


def test_misspelt_parameter_is_refused_by_its_place(block):
    block["batchsize"] = 8
    with pytest.raises(ValidationError, match=r"(?s)batchsize.*Extra inputs"):
        TrainingParameters(**block)


def test_unknown_objective_is_refused(block):
    block["objective"]["kind"] = "cosface"
    with pytest.raises(ValidationError, match="'arcface', 'softmax'"):
        TrainingParameters(**block)


def test_modality_of_an_encoder_that_is_not_there_is_refused(block):
    block["encoder_of"]["iris_left"] = "irises"
    with pytest.raises(ValidationError, match="one of fingerprint, iris, got 'irises'"):
        TrainingParameters(**block)
