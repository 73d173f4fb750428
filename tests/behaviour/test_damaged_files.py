"""Files that were altered or cut after they were written: named, and made again or refused; never used."""

import random
import re
import shutil
from pathlib import Path

import pytest
from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession
from kedro.io import DatasetError

from damage import cut, flip_bit
from selfsame.cli import explain
from selfsame.errors import DamagedError

PROJECT = Path(__file__).parents[2]

FILES = {
    "biometrics.manifest": "02_intermediate/biometrics/manifest.parquet",
    "biometrics.assignments": "02_intermediate/biometrics/assignments.parquet",
    "biometrics.iris_left.index": "04_feature/biometrics/iris_left/index.parquet",
    "biometrics.iris_left.arrays": "04_feature/biometrics/iris_left/arrays/*.npy",
    "biometrics.iris_right.arrays": "04_feature/biometrics/iris_right/arrays/*.json",
    "biometrics.checkpoint": "06_models/biometrics/checkpoint/*/*/weights.safetensors",
    "biometrics.last_checkpoint": "06_models/biometrics/last_checkpoint/*/*/checkpoint.json",
    "biometrics.fingerprint.templates": "07_model_output/biometrics/fingerprint/templates.parquet",
    "biometrics.fingerprint.pair_scores": "07_model_output/biometrics/fingerprint/pair_scores.parquet",
    "biometrics.operating_points": "07_model_output/biometrics/operating_points.json",
}
TRIES = 20


@pytest.fixture(scope="module")
def root(smoke_root, tmp_path_factory) -> Path:
    """A copy of the results of a run, for damages that are repaired again."""
    names = [path.name for path in smoke_root.iterdir() if path.name != "01_raw" and path.is_dir()]
    copy = tmp_path_factory.mktemp("damaged")
    for name in names:
        shutil.copytree(smoke_root / name, copy / name)
    return copy


@pytest.fixture(scope="module")
def catalog(root):
    configure_project("selfsame")
    with KedroSession.create(
        project_path=PROJECT, env="smoke", runtime_params={"data": str(root)}
    ) as session:
        yield session.load_context().catalog


@pytest.mark.parametrize("damage", [flip_bit, cut], ids=["flipped bit", "cut"])
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_refused_by_name_wherever_the_damage_is(root, catalog, name, damage):
    path = sorted(root.glob(FILES[name]))[0]
    whole, rng = path.read_bytes(), random.Random(name)
    catalog.load(name)
    try:
        for _ in range(TRIES):
            what = damage(path, rng)
            with pytest.raises(DatasetError) as caught:
                pytest.fail(f"{what}: {catalog.load(name)}")
            said = explain(caught.value)
            assert isinstance(find_own(caught.value), DamagedError), what
            assert path.stem in said
            assert "\n" not in said
            assert re.search(r"\brun\b|made again", said), said
            path.write_bytes(whole)
    finally:
        path.write_bytes(whole)
    catalog.load(name)


def find_own(error: BaseException) -> BaseException | None:
    while error is not None and not isinstance(error, DamagedError):
        error = error.__cause__
    return error


def test_a_table_that_never_had_a_digest_is_read_or_refused_in_one_line(root, catalog):
    path = root / FILES["biometrics.manifest"]
    whole, noted = path.read_bytes(), path.with_name(f"{path.name}.sha256")
    line = noted.read_text()
    noted.unlink()
    catalog.load("biometrics.manifest")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError) as caught:
        catalog.load("biometrics.manifest")
    assert re.search(r"manifest\.parquet, got a damaged file .*: run the pipeline", explain(caught.value))
    path.write_bytes(whole)
    noted.write_text(line)


def test_digests_can_be_checked_by_other_tools(root):
    noted = (root / "02_intermediate/biometrics/manifest.parquet.sha256").read_text()
    assert re.fullmatch(r"[0-9a-f]{64}  manifest\.parquet\n", noted)


def test_a_run_on_a_damaged_index_stops_in_one_line_and_preprocessing_makes_it_again(
    kedro, smoke_root, tmp_path
):
    root = Path(shutil.copytree(smoke_root, tmp_path / "data"))
    index = root / FILES["biometrics.iris_left.index"]
    shard = sorted(root.glob(FILES["biometrics.iris_left.arrays"]))[0]
    whole = {path: path.read_bytes() for path in (index, shard)}
    for path in whole:
        flip_bit(path, random.Random(1))
    settings = f"--params=data={root},captures={root}/01_raw/captures"
    refused = kedro("--env", "smoke", "--pipelines", "training", settings)
    errors = [line for line in refused.stderr.splitlines() if line.startswith("Error: ")]
    assert refused.returncode == 1
    assert len(errors) == 1
    assert "index.parquet" in errors[0] or shard.stem in errors[0]
    assert "Traceback" not in refused.stderr
    made = kedro("--env", "smoke", "--pipelines", "preprocessing", settings)
    assert made.returncode == 0, made.stderr
    assert {path: path.read_bytes() for path in whole} == whole
    assert shard.stem in made.stderr.replace("\n", "")
