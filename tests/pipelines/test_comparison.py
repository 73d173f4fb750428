from inspect import signature
from pathlib import Path
from typing import get_type_hints

import pytest
import yaml
from pydantic import ValidationError

from selfsame.pipelines.comparison import create_pipeline
from selfsame.pipelines.comparison.params import ComparisonParams

SHIPPED = yaml.safe_load(Path("conf/base/parameters_comparison.yml").read_text(encoding="utf-8"))
BLOCKS = {
    (workload, modality): block["comparison"]
    for workload, modalities in SHIPPED.items()
    for modality, block in modalities.items()
}


def test_graph_takes_arrays_index_and_assignments_and_gives_scores_of_pairs():
    pipeline = create_pipeline()
    assert pipeline.inputs() == {"params:comparison", "arrays", "index", "assignments"}
    assert pipeline.all_outputs() == {"fitted_comparators", "templates", "pair_scores"}


def test_typed_parameters_reach_every_node():
    for node in create_pipeline().nodes:
        argument = list(signature(node.func).parameters)[node.inputs.index("params:comparison")]
        assert get_type_hints(node.func)[argument] is ComparisonParams


@pytest.mark.parametrize("block", BLOCKS.values(), ids=map(".".join, BLOCKS))
def test_shipped_parameters_are_valid(block):
    assert ComparisonParams(**block).comparators


def change(block, comparators):
    return {**block, "comparators": comparators}


@pytest.mark.parametrize(
    ("comparators", "message"),
    [
        ({"cosine": "iris_code"}, "other names than cosine, which is the comparator of the network"),
        ({"../escape": "iris_code"}, "String should match pattern"),
        ({"Iris code": "iris_code"}, "String should match pattern"),
        ({"code": "astrology"}, "'iris_code', 'minutiae'"),
    ],
    ids=["the network's name", "a path", "white space", "unknown kind"],
)
def test_names_and_kinds_that_cannot_be_are_refused(comparators, message):
    block = BLOCKS["biometrics", "iris_left"]
    settings = block["comparators"]["iris_code"]
    given = {name: {**settings, "kind": kind} for name, kind in comparators.items()}
    with pytest.raises(ValidationError, match=message):
        ComparisonParams(**change(block, given))


def test_misspelt_setting_of_a_comparator_is_refused_by_its_place():
    block = BLOCKS["biometrics", "iris_left"]
    given = {"iris_code": {**block["comparators"]["iris_code"], "ringz": 3}}
    with pytest.raises(ValidationError, match=r"(?s)comparators.iris_code.*ringz.*Extra inputs"):
        ComparisonParams(**change(block, given))


def test_modality_may_have_the_trained_network_alone():
    assert ComparisonParams(workers=1, batch_size=1, comparators={}).comparators == {}
