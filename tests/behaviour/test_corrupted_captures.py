"""Captures that are corrupted at random: each costs itself, and the run goes on."""

import random
import shutil
from pathlib import Path

import pandas as pd
import pytest

from damage import CORRUPTIONS, HARMLESS, agree, changed_rates, corrupt_captures, read_reasons


@pytest.fixture(scope="module")
def spoilt(kedro, smoke_root, tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """The data root of a run on captures of which some are corrupted, and how each of these is."""
    root = tmp_path_factory.mktemp("corrupted")
    captures = Path(shutil.copytree(smoke_root / "01_raw/captures", root / "01_raw/captures"))
    ways = corrupt_captures(captures, 0.12, random.Random(3))
    shutil.copytree(smoke_root / "01_raw/new_captures", root / "01_raw/new_captures")
    settings = f"--params=data={root},captures={captures}"
    done = kedro("--env", "smoke", "--pipelines", "biometrics", settings)
    assert done.returncode == 0, done.stderr
    return root, ways


def test_every_corrupted_file_is_a_row_with_its_reason(spoilt):
    root, ways = spoilt
    reasons = read_reasons(root)
    assert set(ways.values()) == set(CORRUPTIONS)
    assert [path for path, way in ways.items() if way not in HARMLESS and path not in reasons] == []
    assert all(reasons.values())


def test_all_whole_captures_are_accepted_whatever_their_extension(spoilt, smoke_root):
    root, ways = spoilt
    reasons = read_reasons(root)
    lost = {Path(path).with_suffix("") for path in ways if path in reasons}
    before, after = (
        pd.read_parquet(one / "02_intermediate/biometrics/manifest.parquet") for one in (smoke_root, root)
    )
    rest = before[[Path(path).with_suffix("") not in lost for path in before["path"]]]
    assert set(after["capture_id"]) == set(rest["capture_id"])
    assert set(after["format"]) == {"PNG"}
    assert len(before) - len(after) == len(lost)


def test_the_rest_is_normalised_as_before(spoilt, smoke_root):
    root, _ = spoilt
    for index in sorted(root.glob("04_feature/biometrics/[!n]*/index.parquet")):
        clean = pd.read_parquet(smoke_root / index.relative_to(root)).set_index(["capture_id", "impression"])
        made = pd.read_parquet(index).set_index(["capture_id", "impression"])
        columns = ["status", "measures"]
        pd.testing.assert_frame_equal(made[columns], clean.loc[made.index, columns])


def test_the_rates_of_the_rest_agree_with_those_of_the_clean_run(spoilt, smoke_root):
    compared, outside = changed_rates(smoke_root, spoilt[0])
    assert compared > 10
    assert outside == []


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((0.1, 0.05, 0.2), (0.15, 0.14, 0.3), True),
        ((0.0, 0.0, 0.1), (0.05, 0.01, 0.2), True),
        ((0.0, 0.0, 0.1), (0.3, 0.2, 0.4), False),
    ],
    ids=["both", "one", "neither"],
)
def test_rates_agree_where_one_lies_within_the_interval_of_the_other(one, other, expected):
    assert agree(one, other) is expected
    assert agree(other, one) is expected
