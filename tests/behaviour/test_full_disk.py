"""A disk that fills up while a run is writing. Whoever runs the tests: this stops root too."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LIMIT_BYTES = 5_000_000
"""No file may grow larger: writing the state of training fails half-way, as on a full disk."""


def limit_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))


def read_tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and "tensorboard" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_a_disk_that_fills_up_in_training_costs_one_line_and_no_model(smoke_root, tmp_path):
    root = Path(shutil.copytree(smoke_root, tmp_path / "data"))
    before = read_tree(root / "06_models")
    settings = f"--params=data={root},captures={root}/01_raw/captures,biometrics.training.max_epochs=1"
    done = subprocess.run(
        [sys.executable, "-m", "kedro", "run", "--env", "smoke", "--pipelines", "training", settings],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=limit_files,
    )
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 1
    assert len(errors) == 1, done.stderr
    assert "expected to write the state of training" in errors[0]
    assert "free space" in errors[0]
    assert "Traceback" not in done.stderr
    assert read_tree(root / "06_models") == before
