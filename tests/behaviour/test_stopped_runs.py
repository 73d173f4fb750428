"""A run that is asked to stop ends with one line, leaves nothing temporary, and can be started again."""

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from data_roots import compare, find_temporary

PROJECT = Path(__file__).parents[2]
MOMENTS = {
    "preprocessing": r"fingerprint: .* 1 to make",
    "training": r"epoch 1 of 99",
}
"""By stage, the line of the log at which the run is stopped."""


def stop(root: Path, stage: str, number: signal.Signals) -> tuple[int, list[str]]:
    """Run a stage until a line of its log, then send it a signal; give its status and what it said then."""
    settings = f"--params=data={root},captures={root}/01_raw/captures,biometrics.training.max_epochs=99"
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", "--env", "smoke", "--pipelines", stage, settings],
        cwd=PROJECT,
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs ignore it
    )
    with process:
        while not re.search(MOMENTS[stage], line := process.stderr.readline()):
            assert line, process.wait()
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        said = process.stderr.read().splitlines()
    return process.returncode, said


def assert_clean_end(root: Path, said: list[str], words: str) -> None:
    errors = [line for line in said if line.startswith("Error: ")]
    assert errors == [f"Error: {words}; run the same command again to go on from here"]
    assert not any(line.startswith("Traceback") for line in said)
    assert find_temporary(root) == []


@pytest.fixture
def root(smoke_root, tmp_path) -> Path:
    """A copy of the results of a run."""
    return Path(shutil.copytree(smoke_root, tmp_path / "data"))


def forget_arrays(root: Path) -> None:
    for made in root.glob("04_feature/biometrics/[!n]*"):
        shutil.rmtree(made)


def test_a_run_that_the_system_ends_leaves_one_line_and_nothing_temporary(root):
    forget_arrays(root)
    status, said = stop(root, "preprocessing", signal.SIGTERM)
    assert status == 128 + signal.SIGTERM
    assert_clean_end(root, said, "stopped by SIGTERM")


def test_a_training_that_is_interrupted_leaves_one_line_and_nothing_temporary(root):
    status, said = stop(root, "training", signal.SIGINT)
    assert status == 1
    assert_clean_end(root, said, "stopped by you")


def test_a_run_that_was_interrupted_goes_on_and_ends_with_equal_results(kedro, smoke_root, root):
    forget_arrays(root)
    _, said = stop(root, "preprocessing", signal.SIGINT)
    assert_clean_end(root, said, "stopped by you")
    settings = f"--params=data={root},captures={root}/01_raw/captures"
    done = kedro("--env", "smoke", "--pipelines", "preprocessing", settings)
    assert done.returncode == 0, done.stderr
    assert list(compare(smoke_root, root)) == []
