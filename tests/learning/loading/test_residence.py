"""Where the arrays of a training live: the same batches and weights, wherever that is."""

import logging

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from selfsame.learning.loading.batches import BatchLoader, PlanStep
from selfsame.learning.loading.residence import TrainingArrays, choose_residence
from selfsame.learning.loading.resident import ResidentLoader
from selfsame.learning.training.fitting import fit
from selfsame.learning.training.task import assemble_task
from selfsame.shards.arrays import ShardedArrays


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [
        ShardedArrays({name: rng.integers(0, 256, (9, 2, *size), dtype=np.uint8) for name in "ab"})
        for size in ((4, 6), (5, 5))
    ]


@pytest.fixture
def plan():
    rng = np.random.default_rng(1)
    return [PlanStep(rng.integers(-1, 18, (batch, 2)), rng.integers(0, 9, (batch, 3))) for batch in (4, 8, 3)]


@pytest.mark.parametrize(
    ("wanted", "free", "chosen", "reason"),
    [
        ("auto", None, "host", "the device is the CPU"),
        ("auto", 199, "host", "they take more than 50%"),
        ("auto", 200, "device", "they take at most 50%"),
        ("host", 10**9, "host", "as the settings ask"),
        ("device", 1, "device", "as the settings ask"),
    ],
)
def test_residence_follows_the_free_memory_and_the_log_says_why(wanted, free, chosen, reason, caplog):
    with caplog.at_level(logging.INFO):
        assert choose_residence(wanted, 100, share=0.5, free=free) == chosen
    assert len(caplog.messages) == 1
    assert f"residence: {chosen}" in caplog.messages[0]
    assert reason in caplog.messages[0]


def test_batches_are_the_same_for_every_residence(arrays, plan, parameters):
    device = TrainingArrays(arrays, parameters(residence="device"), "cpu").load(plan)
    host = TrainingArrays(arrays, parameters(residence="host"), "cpu").load(plan)
    assert isinstance(device, ResidentLoader)
    assert isinstance(host, BatchLoader)
    assert len(device) == len(host) == 3
    for one, other in zip(device, host, strict=True):
        for left, right in zip(one.images, other.images, strict=True):
            assert torch.equal(left, right)
        assert torch.equal(one.present, other.present)
        assert torch.equal(one.labels, other.labels)


def test_a_residence_that_there_is_not_is_refused(parameters):
    with pytest.raises(ValidationError, match=r"(?s)residence.*Input should be 'auto', 'host' or 'device'"):
        parameters(residence="memory")


def test_a_row_that_the_arrays_do_not_have_is_refused_on_the_device_too(arrays, parameters):
    plan = [PlanStep(np.array([[99, 0]]), np.zeros((1, 3), np.int64))]
    with pytest.raises(IndexError, match="from -1 to 17"):
        list(TrainingArrays(arrays, parameters(residence="device"), "cpu").load(plan))


def test_training_and_validation_share_one_copy(arrays, plan, parameters, monkeypatch):
    gather, copied = ShardedArrays.gather, []

    def count(self, rows, **how):
        copied.append(len(rows))
        return gather(self, rows, **how)

    monkeypatch.setattr(ShardedArrays, "gather", count)
    source = TrainingArrays(arrays, parameters(residence="device"), "cpu")
    for _ in range(2):
        list(source.load(plan))
        list(source.load(plan))
    assert copied == [18, 18]  # once of each modality


def test_training_gives_the_same_weights_for_every_residence(toy, parameters, tmp_path):
    data, weights = toy(), {}
    for place in ("host", "device"):
        regimen = parameters(max_epochs=1, residence=place)
        settings = {"encoder_of": regimen.encoder_of, "encoders": regimen.encoders}
        task = assemble_task(data.arrays, data.indexes, **settings, regimen=regimen, seed=1)
        weights[place] = fit(task, regimen, tmp_path / place).weights
    assert weights["host"].keys() == weights["device"].keys()
    for name, tensor in weights["host"].items():
        assert torch.equal(tensor, weights["device"][name]), name
