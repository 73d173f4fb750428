"""Training under torchrun: the first process writes what a run writes, the others write nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Node, Pipeline

from selfsame.errors import InputError
from selfsame.torchrun import TrainsTogether, is_first

PROJECT = Path(__file__).parents[1]


class Refusing(MemoryDataset):
    """A dataset that nobody may write."""

    def save(self, data: object) -> None:
        raise AssertionError(data)


def same(value: object) -> object:
    return value


def graph(stage: str) -> Pipeline:
    return Pipeline([Node(same, inputs="given", outputs="made", name="make", tags=[stage])])


@pytest.fixture
def second(monkeypatch):
    """This process is the second of two."""
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")


@pytest.mark.usefixtures("second")
def test_what_a_process_that_is_not_the_first_computes_stays_in_memory():
    catalog = DataCatalog({"given": MemoryDataset(1), "made": Refusing()})
    TrainsTogether().before_pipeline_run(graph("training"), catalog)
    catalog.save("made", 2)
    assert catalog.load("made") == 2
    assert not is_first()


@pytest.mark.usefixtures("second")
def test_other_stages_than_training_are_refused_by_every_process(monkeypatch):
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        with pytest.raises(InputError, match=r"training alone under torchrun, got 1 other nodes \(make\)"):
            TrainsTogether().before_pipeline_run(graph("evaluation"), DataCatalog({}))


def test_without_torchrun_every_stage_runs_and_writes():
    catalog = DataCatalog({"given": MemoryDataset(1), "made": Refusing()})
    TrainsTogether().before_pipeline_run(graph("evaluation"), catalog)
    assert isinstance(catalog["made"], Refusing)
    assert is_first()


@pytest.mark.slow
def test_two_processes_of_torchrun_train_once_and_leave_what_a_run_leaves(smoke_root, tmp_path):
    for folder in ("02_intermediate", "04_feature"):
        shutil.copytree(smoke_root / folder, tmp_path / folder)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    run = ["-m", "kedro", "run", "--env", "smoke", "--pipelines", "training"]
    done = subprocess.run(
        [*torchrun, *run, f"--params=data={tmp_path},captures={tmp_path}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    checkpoints = tmp_path / "06_models/biometrics/checkpoint"
    assert len(list(checkpoints.iterdir())) == 1
    reports = "08_reporting/biometrics"
    losses = [pd.read_parquet(root / reports / "history.parquet") for root in (smoke_root, tmp_path)]
    # Rounding grows at this learning rate: tests/learning/distributed/test_processes.py compares closely.
    pd.testing.assert_series_equal(losses[0]["train_loss"], losses[1]["train_loss"], atol=0, rtol=1e-3)
    summary = json.loads((tmp_path / reports / "training_summary.json").read_text())
    assert summary["epochs"] == 2
