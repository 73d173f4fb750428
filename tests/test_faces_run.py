"""The workload of faces from end to end, on drawn faces."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pandas as pd
import pytest

from selfsame.datasets.captures import CapturesDataset

Kedro = Callable[..., CompletedProcess[str]]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, kedro: Kedro) -> Path:
    folder = tmp_path_factory.mktemp("faces")
    done = kedro(
        "--env",
        "smoke",
        "--pipelines",
        "faces_synthesis,faces",
        f"--params=data={folder},captures={folder}/captures",
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_every_estimator_is_measured_on_every_split(root: Path) -> None:
    table = pd.read_parquet(root / "08_reporting/faces/estimators.parquet")
    configured = table.drop_duplicates(["split", "estimator"])
    assert configured["split"].value_counts().to_dict() == {1: 4, 2: 4}
    assert set(table["estimator"]) == {"pca_svm", "pca_svm_temperature", "pca_bayes", "network"}
    assert set(table.loc[table["estimator"] == "pca_bayes", "components"]) == {2, 4, 150}
    assert table[["accuracy", "ece"]].to_numpy().min() >= 0


def test_splits_are_data_without_overlap(root: Path) -> None:
    splits = pd.read_parquet(root / "04_feature/faces/estimator_splits.parquet")
    assert not splits.duplicated(["split", "capture_id"]).any()
    assert splits.groupby(["split", "part"]).size().to_dict() == {
        (1, "test"): 12,
        (1, "train"): 12,
        (2, "test"): 12,
        (2, "train"): 12,
    }


def test_reports_are_written(root: Path) -> None:
    reports = root / "08_reporting/faces"
    summary = json.loads((reports / "estimators.json").read_text())
    assert [one["estimator"] for one in summary["estimators"]] == [
        "pca_svm",
        "pca_svm_temperature",
        "pca_bayes",
        "network",
    ]
    assert "Estimators that name people" in (reports / "estimators.html").read_text()
    assert (reports / "components.png").stat().st_size > 1000
    assert (reports / "report.html").exists()


def test_new_faces_are_answered(root: Path) -> None:
    predictions = pd.read_parquet(root / "07_model_output/faces/predictions.parquet")
    assert len(list(CapturesDataset(filepath=str(root / "new_captures")).load().files())) == 3
    assert len(predictions) >= 3


def test_missing_archive_costs_one_line(root: Path, kedro: Kedro) -> None:
    settings = f"--params=data={root}/none,captures={root}/none.mat"
    done = kedro("--env", "smoke", "--pipelines", "faces", "--tags", "data_engineering", settings)
    assert done.returncode == 1
    assert "expected a file of faces at" in done.stderr
    assert "Traceback" not in done.stderr
