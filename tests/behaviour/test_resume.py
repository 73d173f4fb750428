"""A training run that is killed, at the end of an epoch or in the middle of one, ends with the same bits."""

import runpy
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from selfsame.learning.training.state import read_state

SCRIPT = Path(__file__).with_name("killed_training.py")
train = runpy.run_path(str(SCRIPT))["train"]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    train(folder)
    return read_state(folder)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["after epoch 1", "within epoch 2", "while the state is written"])
def test_killed_run_goes_on_and_ends_with_the_same_bits(uninterrupted, tmp_path, moment):
    killed = subprocess.run([sys.executable, SCRIPT, tmp_path, moment], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL
    assert len(read_state(tmp_path).history) == 1
    assert (tmp_path / "state_within_epoch.pt").exists() == (moment != "after epoch 1")
    train(tmp_path)
    resumed = read_state(tmp_path)
    assert resumed.finished
    assert [one.epoch for one in resumed.history] == [1, 2, 3]
    assert [one.train_loss for one in resumed.history] == [one.train_loss for one in uninterrupted.history]
    for name, tensor in uninterrupted.weights.items():
        assert torch.equal(tensor, resumed.weights[name]), name
    assert sorted(one.name for one in tmp_path.iterdir()) == ["state.pt", "tensorboard"]
