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


@pytest.mark.parametrize(
    ("stage", "number", "status", "words"),
    [
        ("preprocessing", signal.SIGTERM, 143, "stopped by SIGTERM"),
        ("preprocessing", signal.SIGINT, 1, "stopped by you"),
        ("training", signal.SIGINT, 1, "stopped by you"),
    ],
)
def test_a_run_that_is_asked_to_stop_leaves_one_line_and_nothing_temporary(
    smoke_root, tmp_path, stage, number, status, words
):
    root = Path(shutil.copytree(smoke_root, tmp_path / "data"))
    if stage == "preprocessing":
        shutil.rmtree(root / "04_feature")
    ended, said = stop(root, stage, number)
    assert ended == status, said
    errors = [line for line in said if line.startswith("Error: ")]
    assert errors == [f"Error: {words}; run the same command again to go on from here"]
    assert not any(line.startswith("Traceback") for line in said)
    assert find_temporary(root) == []


def test_a_run_goes_on_after_it_was_asked_to_stop(kedro, smoke_root, tmp_path):
    root = Path(shutil.copytree(smoke_root, tmp_path / "data"))
    shutil.rmtree(root / "04_feature")
    stop(root, "preprocessing", signal.SIGINT)
    settings = f"--params=data={root},captures={root}/01_raw/captures"
    done = kedro("--env", "smoke", "--pipelines", "data_engineering,preprocessing,inference", settings)
    assert done.returncode == 0, done.stderr
    assert list(compare(smoke_root, root)) == []
