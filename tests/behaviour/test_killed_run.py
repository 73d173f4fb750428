"""The main job, killed in three of its stages and run again, ends as a run that nobody disturbed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_roots import compare, find_temporary

PROJECT = Path(__file__).parents[2]

MOMENTS = {
    "preprocessing": r"captures in \d+ shards?, [1-9]\d* to make",
    "training": r"epoch 1 of 2",
    "evaluation": r"embedded \d+ captures",
}
"""By stage, the line of the log at which the run is killed."""


def run_until(root: Path, line: str | None) -> tuple[int, list[str]]:
    """Run the main job until a line of its log, then kill its process group; give its status and log."""
    settings = f"--params=data={root},captures={root}/01_raw/captures"
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", "--env", "smoke", settings],
        cwd=PROJECT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = []
    with process:
        for text in process.stderr:
            log.append(text)
            if line and re.search(line, text):
                os.killpg(process.pid, signal.SIGKILL)
                break
    return process.returncode, log


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def logs(root) -> dict[str, str]:
    """The log of the run that was killed in each stage, and of the last one, which completed."""
    logs = {}
    for stage, line in {**MOMENTS, "none": None}.items():
        status, log = run_until(root, line)
        assert status == (0 if line is None else -signal.SIGKILL), log
        logs[stage] = "".join(log)
    return logs


@pytest.mark.slow
def test_killed_in_three_stages_it_completes_with_the_results_of_an_undisturbed_run(logs, smoke_root, root):
    assert list(compare(smoke_root, root)) == []
    assert find_temporary(root) == []


@pytest.mark.slow
def test_each_run_goes_on_where_the_one_before_it_was_killed(logs):
    assert re.search(
        r"training: (goes on after epoch 1|the run of 2 epochs .* is reused)", logs["evaluation"]
    )
    assert "the run of 2 epochs with the same inputs is reused" in logs["none"]
    assert re.search(r"shards?, [1-9]\d* to make", logs["none"]) is None


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("07_model_output/scores.parquet", b"other", "differs: 07_model_output/scores.parquet"),
        ("08_reporting/extra.json", b"{}", "not expected: 08_reporting/extra.json"),
        ("08_reporting/.x.1.partial.json", b"{", "left behind: 08_reporting/.x.1.partial.json"),
        ("04_feature/a/arrays/x.npy.1.part", b"", "left behind: 04_feature/a/arrays/x.npy.1.part"),
    ],
)
def test_the_comparison_sees_what_differs_and_what_is_left(tmp_path, name, content, problem):
    for root in ("expected", "found"):
        scores = tmp_path / root / "07_model_output/scores.parquet"
        scores.parent.mkdir(parents=True)
        scores.write_bytes(b"scores")
    assert list(compare(tmp_path / "expected", tmp_path / "found")) == []
    changed = tmp_path / "found" / name
    changed.parent.mkdir(parents=True, exist_ok=True)
    changed.write_bytes(content)
    assert problem in list(compare(tmp_path / "expected", tmp_path / "found"))
