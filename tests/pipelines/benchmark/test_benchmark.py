import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml
from pydantic import ValidationError

from selfsame.benchmarking.advice import Benchmark
from selfsame.pipelines.benchmark.params import BenchmarkParameters

Kedro = Callable[..., subprocess.CompletedProcess[str]]
SHIPPED = Path(__file__).parents[3] / "conf/base/parameters_benchmark.yml"


@pytest.fixture
def block() -> dict:
    return yaml.safe_load(SHIPPED.read_text())["benchmark"]


def run(kedro: Kedro, root: Path, name: str = "benchmark") -> subprocess.CompletedProcess[str]:
    return kedro(
        "--env", "smoke", "--pipelines", name, f"--params=data={root},captures={root}/01_raw/captures"
    )


def test_it_times_what_is_there_and_leaves_it_as_it_was(
    kedro: Kedro, smoke_root: Path, tmp_path: Path
) -> None:
    root = Path(shutil.copytree(smoke_root, tmp_path / "data"))
    features = root / "04_feature"
    before = {path: path.stat().st_mtime_ns for path in features.rglob("*")}
    done = run(kedro, root)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in features.rglob("*")} == before
    made = root / "08_reporting/biometrics/benchmark"
    found = Benchmark.model_validate(json.loads((made / "benchmark.json").read_text()))
    assert [one.modality for one in found.preprocessing] == ["iris_left", "iris_right", "fingerprint"]
    assert found.machine["cores"] >= 1
    assert found.loading is not None
    assert found.loading.samples_per_s > 0
    for one in found.preprocessing:
        assert one.configured is not None
        assert one.advised.whole_s <= one.configured.whole_s * 1.06
    speeds = pd.read_parquet(made / "iris_left_preprocessing_speeds.parquet")
    assert set(speeds["backend"]) == {"floor", "sequential", "threading"}
    assert (speeds["images_per_s"] > 0).all()
    assert (made / "benchmark.png").stat().st_size > 10_000
    assert "preprocessing  iris_left: " in done.stdout
    assert "loading        batches of " in done.stdout


def test_a_run_before_there_is_anything_says_what_to_run_first(kedro: Kedro, tmp_path: Path) -> None:
    done = run(kedro, tmp_path)
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert "biometrics.manifest is not there" in line
    assert "kedro run --pipelines data_engineering,preprocessing first" in line


def test_workers_are_the_powers_of_two_and_all_cores(block: dict) -> None:
    asked = BenchmarkParameters.model_validate(block)
    assert [asked.list_workers(cores) for cores in (1, 2, 6, 8)] == [
        [1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8],
    ]  # fmt: skip
    few = BenchmarkParameters.model_validate(
        block | {"preprocessing": block["preprocessing"] | {"workers": [4, 2, 4]}}
    )
    assert few.list_workers(8) == [2, 4]


@pytest.mark.parametrize(
    ("part", "changes", "message"),
    [
        (None, {"rounds": 0}, "greater than 0"),
        (None, {"design_s": 0}, "greater than 0"),
        (None, {"seconds": 1}, "Extra inputs are not permitted"),
        ("preprocessing", {"backends": ["spark"]}, "Input should be 'sequential'"),
        ("preprocessing", {"backends": []}, "at least 1 item"),
        ("preprocessing", {"workers": [0]}, "greater than 0"),
        ("loading", {"batch_sizes": []}, "at least 1 item"),
        ("loading", {"prefetch": [0]}, "greater than 0"),
        ("loading", {"file_workers": [-1]}, "greater than or equal to 0"),
    ],
)
def test_wrong_parameters_are_refused(block: dict, part: str | None, changes: dict, message: str) -> None:
    given = block | (changes if part is None else {part: block[part] | changes})
    with pytest.raises(ValidationError, match=message):
        BenchmarkParameters.model_validate(given)


def test_a_modality_without_captures_has_no_speeds() -> None:
    from selfsame.errors import InputError
    from selfsame.pipelines.benchmark.nodes import report_speeds

    nothing = pd.DataFrame(columns=["modality", "captures", "backend"])
    with pytest.raises(InputError, match="expected captures of the workload's modalities"):
        report_speeds(nothing, nothing)
