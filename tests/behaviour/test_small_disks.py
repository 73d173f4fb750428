"""Disks that cannot be written, and folders that go away: what a run needs to write, it says in one line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data_roots import compare
from disks import read_only_copy
from trial_runs import finish

PROJECT = Path(__file__).parents[2]


def roots(root: Path, captures: Path) -> str:
    return f"--params=data={root},captures={captures}"


def refusal(done) -> str:
    """The one line by which a run stopped."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return line


def test_captures_and_configuration_need_not_be_writable(kedro, smoke_root, tmp_path):
    root = Path(shutil.copytree(smoke_root, tmp_path / "data"))
    with (
        read_only_copy(smoke_root / "01_raw", tmp_path / "raw") as one,
        read_only_copy(PROJECT / "conf", tmp_path / "conf") as other,
    ):
        if not (one and other):
            pytest.skip("root without the right to mount: nothing can be made read-only")
        options = [
            "--env",
            "smoke",
            "--pipelines",
            "data_engineering",
            "--conf-source",
            str(tmp_path / "conf"),
        ]
        done = kedro(*options, roots(root, tmp_path / "raw/captures"))
    assert done.returncode == 0, done.stderr
    assert list(compare(smoke_root, root)) == []


def test_a_data_root_that_cannot_be_written_costs_one_line(kedro, smoke_root, tmp_path):
    with read_only_copy(smoke_root / "02_intermediate", tmp_path / "data") as able:
        if not able:
            pytest.skip("root without the right to mount: nothing can be made read-only")
        settings = roots(tmp_path / "data", smoke_root / "01_raw/captures")
        done = kedro("--env", "smoke", "--pipelines", "data_engineering", settings)
    assert f"expected to write in {tmp_path / 'data'}, but " in refusal(done)


def test_captures_that_go_away_during_a_run_cost_one_line_and_no_capture(smoke_root, tmp_path):
    captures = Path(shutil.copytree(smoke_root / "01_raw/captures", tmp_path / "captures"))
    settings = ["--env", "smoke", "--pipelines", "data_engineering", roots(tmp_path / "data", captures)]
    process = subprocess.Popen(
        [sys.executable, "-m", "kedro", "run", *settings],
        cwd=PROJECT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while "layout: plain reads" not in process.stderr.readline():
        assert process.poll() is None
    captures.rename(tmp_path / "away")
    ended = finish(process)
    assert ended.refuses(str(captures), "gone, or empty, since its files were listed"), ended.said
    assert not list((tmp_path / "data").rglob("*.parquet"))
