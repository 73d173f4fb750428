"""What Kedro-Viz makes of the project: `make docs` in a copy of it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[1]
LAYERS = ["raw", "intermediate", "feature", "models", "model_output", "reporting"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("viz")
    for part in ("src", "conf"):
        shutil.copytree(PROJECT / part, project / part, ignore=shutil.ignore_patterns("__pycache__", "local"))
    (project / "conf" / "local").mkdir()
    for name in ("pyproject.toml", ".telemetry"):
        shutil.copy(PROJECT / name, project)
    small = project / "data/08_reporting/biometrics/capture_summary.json"
    small.parent.mkdir(parents=True)
    small.write_text('{"accepted": 900}')
    (command,) = [
        line for line in (PROJECT / "Makefile").read_text().splitlines() if "kedro viz build" in line
    ]
    done = subprocess.run(
        [sys.executable, "-m", "kedro", *command.split()[1:]],
        cwd=project,
        env={"PYTHONPATH": str(project / "src"), "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Success" in done.stdout
    return project / "build"


@pytest.fixture(scope="module")
def graph(site: Path) -> dict[str, Any]:
    return json.loads((site / "api" / "main").read_text())


def test_every_dataset_has_a_layer(graph: dict[str, Any]) -> None:
    datasets = {node["name"]: node["layer"] for node in graph["nodes"] if node["type"] == "data"}
    assert {name: layer for name, layer in datasets.items() if layer not in LAYERS} == {}
    assert datasets["biometrics.captures"] == "raw"


def test_the_layers_are_drawn_in_order(graph: dict[str, Any]) -> None:
    """They are not drawn at all where a later one leads back to an earlier one."""
    assert graph["layers"] == LAYERS


def test_every_pipeline_can_be_drawn_in_layers(site: Path) -> None:
    drawn = {path.name: json.loads(path.read_text())["layers"] for path in (site / "api/pipelines").iterdir()}
    assert {"training", "evaluation", "inference"} <= drawn.keys()
    assert [name for name, layers in drawn.items() if not layers] == []


def test_namespaces_fold_into_the_workload_and_its_modalities(graph: dict[str, Any]) -> None:
    folded = graph["modular_pipelines"]
    inside = {child["id"] for child in folded["biometrics"]["children"]}
    assert {
        "biometrics.iris_left",
        "biometrics.iris_right",
        "biometrics.fingerprint",
        "biometrics.new",
    } <= inside
    assert [
        child["id"] for child in folded["__root__"]["children"] if child["type"] == "modularPipeline"
    ] == ["biometrics"]


def test_nodes_are_shown_by_what_they_do(graph: dict[str, Any]) -> None:
    names = {node["name"] for node in graph["nodes"] if node["type"] == "task"}
    assert {"scan_captures", "normalise_captures", "fit_recogniser", "predict_identities"} <= names
    assert all(name.replace("_", "").isalpha() for name in names)


def test_the_site_shows_no_data(site: Path) -> None:
    shown = [json.loads(path.read_text()) for path in (site / "api/nodes").iterdir()]
    assert len(shown) > 50
    assert [node["filepath"] for node in shown if node.get("preview")] == []
