"""Captures that are corrupted at random: each costs itself, and the run goes on."""

import random
import runpy
import shutil
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(PROJECT / "benchmarks/faults.py"))
CORRUPTIONS, corrupt_captures, read_reasons = (
    SCRIPT[name] for name in ("CORRUPTIONS", "corrupt_captures", "read_reasons")
)


@pytest.fixture(scope="module")
def spoilt(kedro, smoke_root, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The data root of a run on captures of which some are corrupted, and how each of these is."""
    root = tmp_path_factory.mktemp("corrupted")
    captures = Path(shutil.copytree(smoke_root / "01_raw/captures", root / "01_raw/captures"))
    ways = corrupt_captures(captures, 0.12, random.Random(3))
    stages = ("--pipelines", "data_engineering,preprocessing")
    done = kedro("--env", "smoke", *stages, f"--params=data={root},captures={captures}")
    assert done.returncode == 0, done.stderr
    return root, ways


def test_every_corrupted_file_is_a_row_with_its_reason(spoilt):
    root, ways = spoilt
    reasons = read_reasons(root)
    assert set(ways.values()) == set(CORRUPTIONS)
    assert {path: way for path, way in ways.items() if path not in reasons} == {}
    assert all(reasons.values())


def test_the_captures_that_are_whole_stay_as_they_were(spoilt, smoke_root):
    root, ways = spoilt
    stems = {Path(path).with_suffix("") for path in ways}
    before, after = (
        pd.read_parquet(one / "02_intermediate/biometrics/manifest.parquet") for one in (smoke_root, root)
    )
    rest = before[[Path(path).with_suffix("") not in stems for path in before["path"]]]
    assert set(after["capture_id"]) == set(rest["capture_id"])
    assert len(before) - len(after) == len(ways)


def test_the_rest_is_normalised_as_before(spoilt, smoke_root):
    root, _ = spoilt
    for index in sorted(root.glob("04_feature/biometrics/*/index.parquet")):
        clean = pd.read_parquet(smoke_root / index.relative_to(root)).set_index(["capture_id", "impression"])
        made = pd.read_parquet(index).set_index(["capture_id", "impression"])
        columns = ["status", "measures"]
        pd.testing.assert_frame_equal(made[columns], clean.loc[made.index, columns])
