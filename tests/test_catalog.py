"""The contract between pipelines and configuration: whatever a node asks for is declared."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

PROJECT = Path(__file__).parents[1]


@pytest.fixture(scope="module", params=["base", "gpu", "smoke"])
def catalog(request: pytest.FixtureRequest) -> Iterator[DataCatalog]:
    configure_project("selfsame")
    with KedroSession.create(project_path=PROJECT, env=request.param) as session:
        yield session.load_context().catalog


@pytest.fixture(scope="module")
def pipelines() -> dict[str, Pipeline]:
    configure_project("selfsame")
    from selfsame.pipeline_registry import register_pipelines

    return register_pipelines()


def test_every_dataset_and_parameter_of_every_pipeline_is_declared(
    catalog: DataCatalog, pipelines: dict[str, Pipeline]
) -> None:
    undeclared = {
        (name, dataset)
        for name, pipeline in pipelines.items()
        for dataset in pipeline.datasets()
        if (found := catalog.get(dataset)) is None
        or (isinstance(found, MemoryDataset) and not dataset.startswith("params:"))
    }
    assert undeclared == set()


def test_every_block_of_parameters_reaches_its_node_as_a_typed_model(
    catalog: DataCatalog, pipelines: dict[str, Pipeline]
) -> None:
    blocks = {
        name
        for pipeline in pipelines.values()
        for name in pipeline.inputs()
        if name.startswith("params:") and "." in name
    }
    plain = {name for name in blocks if isinstance(catalog.load(name), dict)}
    assert blocks
    assert plain == set()


def test_the_default_pipeline_is_the_main_job_of_the_default_workload(pipelines: dict[str, Pipeline]) -> None:
    assert {node.name for node in pipelines["__default__"].nodes} == {
        node.name for node in pipelines["biometrics"].nodes
    }


def test_every_node_carries_its_stage_as_a_tag(pipelines: dict[str, Pipeline]) -> None:
    stages = {
        "synthesis",
        "data_engineering",
        "preprocessing",
        "training",
        "evaluation",
        "inference",
        "benchmark",
    }
    for stage in stages:
        assert all(stage in node.tags for node in pipelines[stage].nodes)


PUBLIC_LAYER = "reporting"
# Of that layer, what holds identifiers of subjects all the same.
NAMES_PEOPLE = {"metrics", "confusion", "report"}


def test_nothing_about_a_person_is_shown_in_a_preview(
    catalog: DataCatalog, pipelines: dict[str, Pipeline]
) -> None:
    """Whatever lies before the reports comes from captures, one row or file a person; previews are opt-in."""
    shown, layers = set(), set()
    for name in {dataset for pipeline in pipelines.values() for dataset in pipeline.datasets()}:
        if name.startswith("params:"):
            continue
        drawn = getattr(catalog.get(name), "metadata", None) or {}
        layer, preview = (drawn.get("kedro-viz", {}).get(key) for key in ("layer", "preview"))
        layers.add(layer)
        if preview is not False and (layer != PUBLIC_LAYER or name.split(".")[-1] in NAMES_PEOPLE):
            shown.add(name)
    assert shown == set()
    assert {"raw", "intermediate", "feature", "models", "model_output", PUBLIC_LAYER} == layers


def test_a_folder_of_new_captures_may_have_any_name_and_be_relative_to_the_project() -> None:
    configure_project("selfsame")
    given = {"new_captures": "some/auto", "captures": "others"}
    session = KedroSession.create(project_path=PROJECT, runtime_params=given)
    described = session.load_context().catalog["biometrics.new.captures"]._describe()
    assert described == {"filepath": str(PROJECT / "some/auto"), "captures": str(PROJECT / "others")}


def test_new_captures_are_looked_for_beside_the_captures_unless_told_otherwise() -> None:
    configure_project("selfsame")
    session = KedroSession.create(project_path=PROJECT, runtime_params={"captures": "some/captures"})
    described = session.load_context().catalog["biometrics.new.captures"]._describe()
    assert described["filepath"] == str(PROJECT / "some/new_captures")
