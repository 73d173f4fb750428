"""What all tests share: where real data is, if there is any."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest_plugins = ["made_up_results"]


@pytest.fixture(scope="session")
def real_captures() -> Path:
    """The root of the real iris and fingerprint set, or a skip that says how to provide it."""
    folder = os.environ.get("SELFSAME_TEST_DATA", "")
    root = Path(folder) / "iris_fingerprint"
    if not folder or not root.is_dir():
        pytest.skip("real data absent: set SELFSAME_TEST_DATA to a folder that holds iris_fingerprint/")
    return root


PROJECT = Path(__file__).parents[1]


def run_kedro(*arguments: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
    """Run the project's command line as a user would, in a process of its own."""
    command = [sys.executable, "-m", "kedro", "run", *arguments]
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=timeout_s, check=False
    )


@pytest.fixture(scope="session")
def kedro() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The command `kedro run`, with the arguments given."""
    return run_kedro


@pytest.fixture(scope="session")
def smoke_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data root of one whole smoke run, shared by all tests that only read it."""
    root = tmp_path_factory.mktemp("smoke")
    done = run_kedro("--env", "smoke", f"--params=data={root},captures={root}/01_raw/captures")
    assert done.returncode == 0, done.stderr
    return root
