"""Where the arrays of a training live: the same batches and weights, wherever that is."""

import logging

import numpy as np
import pytest
import torch

from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.batches import BatchLoader, PlanStep
from selfsame.learning.fitting import fit
from selfsame.learning.residence import TrainingArrays, choose_residence, copy_to_memory
from selfsame.learning.resident import ResidentLoader
from selfsame.learning.task import assemble_task


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
    memory = TrainingArrays(arrays, parameters(residence="memory"), "cpu").load(plan)
    assert isinstance(device, ResidentLoader)
    assert isinstance(host, BatchLoader)
    assert isinstance(memory, BatchLoader)
    assert len(device) == len(host) == len(memory) == 3
    for one, *others in zip(device, host, memory, strict=True):
        for other in others:
            for left, right in zip(one.images, other.images, strict=True):
                assert torch.equal(left, right)
            assert torch.equal(one.present, other.present)
            assert torch.equal(one.labels, other.labels)


def test_a_copy_in_memory_has_the_same_rows_in_one_shard(arrays):
    copy = copy_to_memory(arrays[0])
    rows = np.array([17, 0, -1, 9])
    assert len(copy.shards) == 1
    np.testing.assert_array_equal(copy.gather(rows), arrays[0].gather(rows))


def test_a_row_that_the_arrays_do_not_have_is_refused_on_the_device_too(arrays, parameters):
    plan = [PlanStep(np.array([[99, 0]]), np.zeros((1, 3), np.int64))]
    with pytest.raises(IndexError, match="from -1 to 17"):
        list(TrainingArrays(arrays, parameters(residence="device"), "cpu").load(plan))


def test_training_and_validation_share_one_copy(arrays, plan, parameters):
    source = TrainingArrays(arrays, parameters(residence="device"), "cpu")
    one, other = source.load(plan), source.load(plan)
    assert next(iter(one)).images[0].device.type == "cpu"
    assert one._resident.images is other._resident.images


def test_training_gives_the_same_weights_for_every_residence(toy, parameters, tmp_path):
    data, weights = toy(), {}
    for place in ("host", "memory", "device"):
        regimen = parameters(max_epochs=1, residence=place)
        settings = {"encoder_of": regimen.encoder_of, "encoders": regimen.encoders}
        task = assemble_task(data.arrays, data.indexes, **settings, regimen=regimen, seed=1)
        weights[place] = fit(task, regimen, tmp_path / place).weights
    assert weights["host"].keys() == weights["memory"].keys() == weights["device"].keys()
    for name, tensor in weights["host"].items():
        assert torch.equal(tensor, weights["memory"][name]), name
        assert torch.equal(tensor, weights["device"][name]), name
