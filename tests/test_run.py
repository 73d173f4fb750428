"""What a user meets: the whole run, and the mistakes that people make."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Kedro = Callable[..., subprocess.CompletedProcess[str]]

PROJECT = Path(__file__).parents[1]


def roots(root: Path) -> str:
    return f"--params=data={root},captures={root}/01_raw/captures"


def copied(smoke_root: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may damage."""
    return Path(shutil.copytree(smoke_root, tmp_path / "data"))


def assert_one_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode != 0
    assert len(errors) == 1, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in errors[0]


def test_a_whole_run_leaves_predictions_metrics_report_and_a_record(smoke_root: Path) -> None:
    predictions = pd.read_parquet(smoke_root / "07_model_output/biometrics/predictions.parquet")
    metrics = json.loads((smoke_root / "08_reporting/biometrics/metrics.json").read_text())
    report = (smoke_root / "08_reporting/biometrics/report.html").read_text()
    assert set(predictions["status"]) <= {"identified", "unknown", "rejected", "failed"}
    assert (predictions["status"] == "rejected").sum() == 1
    modalities = {"iris_left", "iris_right", "fingerprint"}
    pairs = {"irises", "iris_left+fingerprint", "iris_right+fingerprint"}
    outcomes = {(one["protocol"], one["figure"], one["comparator"]) for one in metrics["outcomes"]}
    assert {figure for _, figure, _ in outcomes} == modalities | pairs | {"all"}
    assert {protocol for protocol, *_ in outcomes} == {"closed_set", "subject_disjoint", "open_set"}
    assert {("closed_set", "all", "network"), ("open_set", "iris_left", "iris_code")} <= outcomes
    assert ("open_set", "all", "network") not in outcomes  # no network was trained for that protocol
    assert "<html" in report
    assert "http" not in report.split("</head>")[0].replace("http-equiv", "")


def test_the_record_of_a_run_says_what_made_its_results(smoke_root: Path) -> None:
    (path,) = (smoke_root / "08_reporting/biometrics/runs").glob("*.json")
    record = json.loads(path.read_text())
    assert record["outcome"] == "succeeded"
    assert record["parameters"]["params:biometrics.training"]["max_epochs"] == 2
    assert record["parameters"]["params:seed"] == 20260101
    assert record["packages"]["kedro"]
    assert record["data_digest"]
    assert all(seconds >= 0 for seconds in record["node_seconds"].values())
    assert "biometrics.fit_recogniser" in record["node_seconds"]


def test_nothing_half_written_is_left_behind(smoke_root: Path) -> None:
    left = [path for path in smoke_root.rglob("*") if "partial" in path.name or path.suffix == ".tmp"]
    assert left == []


def test_one_stage_alone_uses_what_the_others_left(kedro: Kedro, smoke_root: Path, tmp_path: Path) -> None:
    root = copied(smoke_root, tmp_path)
    predictions = root / "07_model_output/biometrics/predictions.parquet"
    before = pd.read_parquet(predictions)
    predictions.unlink()
    done = kedro("--env", "smoke", "--pipeline", "inference", roots(root))
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(pd.read_parquet(predictions), before)


def test_one_modality_alone_is_made_by_its_namespace(kedro: Kedro, smoke_root: Path, tmp_path: Path) -> None:
    root = copied(smoke_root, tmp_path)
    for modality in ("fingerprint", "iris_left"):
        (root / f"04_feature/biometrics/{modality}/index.parquet").unlink()
    done = kedro("--env", "smoke", "--namespaces", "biometrics.fingerprint", roots(root))
    assert done.returncode == 0, done.stderr
    assert (root / "04_feature/biometrics/fingerprint/index.parquet").exists()
    assert not (root / "04_feature/biometrics/iris_left/index.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--params=biometrics.training.max_epoch=2"], ["max_epoch", "did you mean", "max_epochs"]),
        (["--params=biometric.training.max_epochs=2"], ["biometric.training.max_epochs"]),
        (["--params=biometrics.training.max_epochs=many"], ["max_epochs", "a whole number", "'many'"]),
        (["--params=captures=/no/such/folder"], ["expected a folder of captures", "/no/such/folder"]),
        (["--pipelines", "trainig"], ["trainig", "training"]),
        (["--env", "gpu", "--pipelines", "training"], ["CUDA", "device"]),
    ],
    ids=["misspelt leaf", "misspelt workload", "wrong type", "missing folder", "misspelt stage", "no GPU"],
)
def test_a_mistake_costs_one_line(
    kedro: Kedro, tmp_path: Path, arguments: list[str], words: list[str]
) -> None:
    root = f"data={tmp_path}"
    given = [f"{part},{root}" if part.startswith("--params=") else part for part in arguments]
    given += [] if any(part.startswith("--params=") for part in arguments) else [f"--params={root}"]
    assert_one_line(kedro(*given), *words)


def test_an_empty_folder_of_captures_is_refused(kedro: Kedro, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    done = kedro("--pipelines", "data_engineering", f"--params=captures={tmp_path}/captures,data={tmp_path}")
    assert_one_line(done, "no file", f"{tmp_path}/captures")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_data_root_is_refused(kedro: Kedro, smoke_root: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    done = kedro(
        "--pipelines", "data_engineering", f"--params=captures={smoke_root}/01_raw/captures,data={tmp_path}"
    )
    assert_one_line(done, str(tmp_path))


def test_a_data_root_that_is_a_file_is_refused(kedro: Kedro, smoke_root: Path, tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.write_text("a file, not a folder")
    done = kedro(
        "--pipelines", "data_engineering", f"--params=captures={smoke_root}/01_raw/captures,data={root}"
    )
    assert_one_line(done, str(root))
    assert root.read_text() == "a file, not a folder"


def test_a_corrupt_shard_is_named_and_made_again(kedro: Kedro, smoke_root: Path, tmp_path: Path) -> None:
    root = copied(smoke_root, tmp_path)
    (shard,) = (root / "04_feature/biometrics/iris_left/arrays").glob("*.npy")
    whole = shard.read_bytes()
    shard.write_bytes(whole[:-100])
    assert_one_line(
        kedro("--env", "smoke", "--pipelines", "evaluation", roots(root)), shard.name, "preprocessing"
    )
    done = kedro("--env", "smoke", "--namespaces", "biometrics.iris_left", roots(root))
    assert done.returncode == 0, done.stderr
    assert shard.read_bytes() == whole


def test_a_checkpoint_of_another_size_of_strip_is_refused(
    kedro: Kedro, smoke_root: Path, tmp_path: Path
) -> None:
    root = copied(smoke_root, tmp_path)
    other = "biometrics.iris_left.preprocessing.normalisation.width=128"
    made = kedro("--env", "smoke", "--namespaces", "biometrics.iris_left", f"{roots(root)},{other}")
    assert made.returncode == 0, made.stderr
    assert_one_line(kedro("--env", "smoke", "--pipelines", "evaluation", roots(root)), "iris_left", "128")


def test_a_checkpoint_trained_under_another_split_is_refused(
    kedro: Kedro, smoke_root: Path, tmp_path: Path
) -> None:
    root = copied(smoke_root, tmp_path)
    other = "biometrics.data_engineering.protocol.kind=subject_disjoint"
    split = kedro("--env", "smoke", "--pipelines", "data_engineering,preprocessing", f"{roots(root)},{other}")
    assert split.returncode == 0, split.stderr
    done = kedro("--env", "smoke", "--pipelines", "evaluation", roots(root))
    assert_one_line(done, "the splits differ (another protocol or seed)", "run the training pipeline again")


def test_a_folder_of_one_eye_is_enough(kedro: Kedro, smoke_root: Path, tmp_path: Path) -> None:
    for eye in (smoke_root / "01_raw/captures").glob("*/iris_left"):
        shutil.copytree(eye, tmp_path / "captures" / eye.parent.name / "iris_left")
    done = kedro(
        "--env",
        "smoke",
        "--pipelines",
        "biometrics",
        f"--params=data={tmp_path}/data,captures={tmp_path}/captures",
    )
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / "data/08_reporting/biometrics/metrics.json").read_text())
    assert {one["figure"] for one in metrics["outcomes"]} == {"iris_left"}


def read_json(root: Path, name: str) -> Any:
    return json.loads((root / name).read_text())


@pytest.mark.parametrize(
    ("workload", "figures"),
    [("irises", {"iris_left", "iris_right", "irises"}), ("fingerprints", {"fingerprint"})],
)
def test_a_workload_without_a_network_measures_reports_and_recognises(
    kedro: Kedro, smoke_root: Path, tmp_path: Path, workload: str, figures: set[str]
) -> None:
    (tmp_path / "01_raw").symlink_to(smoke_root / "01_raw")
    done = kedro("--env", "smoke", "--pipelines", workload, roots(tmp_path))
    assert done.returncode == 0, done.stderr
    metrics = read_json(tmp_path, f"08_reporting/{workload}/metrics.json")
    assert {one["figure"] for one in metrics["outcomes"]} == figures
    assert metrics["setting"]["model_version"] is None
    report = (tmp_path / f"08_reporting/{workload}/report.html").read_text()
    assert "<html" in report
    predictions = pd.read_parquet(tmp_path / f"07_model_output/{workload}/predictions.parquet")
    assert (predictions["status"] == "identified").sum() == 2  # of two known people and a stranger
    assert (predictions["status"] == "unknown").sum() == 1
    assert not (tmp_path / f"06_models/{workload}/checkpoint").exists()


def test_cross_validation_measures_the_network_under_every_protocol(
    kedro: Kedro, smoke_root: Path, tmp_path: Path
) -> None:
    root = copied(smoke_root, tmp_path)
    asked = "biometrics.cross_validation.enabled=true,biometrics.evaluation.fusion.rule=likelihood_ratio"
    done = kedro("--env", "smoke", "--pipelines", "training,evaluation", f"{roots(root)},{asked}")
    assert done.returncode == 0, done.stderr
    metrics = read_json(root, "08_reporting/biometrics/metrics.json")
    networks = {one["protocol"] for one in metrics["outcomes"] if one["comparator"] == "network"}
    assert networks == {"closed_set", "subject_disjoint", "open_set"}
    assert metrics["setting"]["fusion"] == "likelihood_ratio"
    points = read_json(root, "07_model_output/biometrics/operating_points.json")
    assert points["fitted"]["rule"] == "likelihood_ratio"
    states = {path.parent.name for path in (root / "06_models/biometrics/folds").rglob("state.pt")}
    assert states == {"subject_disjoint_0", "subject_disjoint_1", "open_set_0"}


def test_the_list_of_pipelines_imports_no_torch() -> None:
    script = (
        "import sys; from kedro.framework.project import configure_project; configure_project('selfsame'); "
        "from selfsame.pipeline_registry import register_pipelines; register_pipelines(); "
        "print([m for m in ('torch', 'matplotlib', 'scipy', 'sklearn', 'timm', 'cv2') if m in sys.modules])"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    assert time.perf_counter() - began < 10
