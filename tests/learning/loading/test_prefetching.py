"""Batches copied to the device while the one before is computed with."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from selfsame.learning.loading.batches import BatchLoader, PlanStep
from selfsame.learning.loading.prefetching import CudaLane, DevicePrefetcher
from selfsame.shards.arrays import ShardedArrays


class FakeLane:
    """Tells what is queued, in which order, and copies at once."""

    def __init__(self):
        self.told, self.inside, self.copied = [], False, 0

    @contextmanager
    def entered(self):
        self.inside = True
        yield
        self.inside = False

    def copy(self, batch):
        assert self.inside
        self.told.append(f"copy {self.copied}")
        self.copied += 1
        return type(batch)(
            tuple(one.clone() for one in batch.images), batch.present.clone(), batch.labels.clone()
        )

    def mark(self):
        assert self.inside
        return self.copied - 1

    def await_mark(self, mark, _batch):
        assert not self.inside
        self.told.append(f"wait {mark}")


@pytest.fixture
def lane():
    return FakeLane()


@pytest.fixture
def arrays():
    pixels = np.random.default_rng(0).integers(0, 256, (9, 2, 4, 6), dtype=np.uint8)
    return [ShardedArrays({"a": pixels})]


def plan_of(batches):
    rng = np.random.default_rng(1)
    return [PlanStep(rng.integers(-1, 9, (5, 1)), np.full(5, i)) for i in range(batches)]


def test_the_next_batch_is_on_its_way_before_one_is_handed_out(arrays, lane):
    loader = DevicePrefetcher(BatchLoader(arrays, plan_of(3), prefetch=2, pin=False), lambda: lane)
    assert len(loader) == 3
    for i, batch in enumerate(loader):
        assert batch.labels.tolist() == [i] * 5
        lane.told.append(f"compute {i}")
    assert lane.told == [
        *("copy 0", "copy 1", "wait 0", "compute 0"),
        *("copy 2", "wait 1", "compute 1"),
        *("wait 2", "compute 2"),
    ]


@pytest.mark.parametrize("prefetch", [1, 3])
def test_batches_are_those_of_the_loader_though_its_buffers_are_filled_again(arrays, lane, prefetch):
    plan = plan_of(8)
    kept = list(DevicePrefetcher(BatchLoader(arrays, plan, prefetch=prefetch, pin=False), lambda: lane))
    for batch, step in zip(kept, plan, strict=True):
        np.testing.assert_array_equal(batch.images[0].numpy(), arrays[0].gather(step.rows[:, 0]))


class Asked(BatchLoader):
    """A loader that tells whether it was asked for the next batch in the queue of copies."""

    def __init__(self, *given, lane, **settings):
        super().__init__(*given, **settings)
        self.lane, self.asked = lane, []

    def __iter__(self):
        for batch in super().__iter__():
            yield batch
            self.asked.append(self.lane.inside)  # its memory is marked here as used until now


def test_memory_is_given_back_in_the_queue_of_copies(arrays, lane):
    loader = Asked(arrays, plan_of(4), prefetch=1, pin=False, lane=lane)
    list(DevicePrefetcher(loader, lambda: lane))
    assert loader.asked == [True] * 4


def test_an_empty_plan_gives_no_batch(arrays, lane):
    assert list(DevicePrefetcher(BatchLoader(arrays, [], prefetch=1, pin=False), lambda: lane)) == []


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_batches_on_a_cuda_device_are_those_of_the_plan(arrays):
    plan = plan_of(20)
    loader = DevicePrefetcher(BatchLoader(arrays, plan, prefetch=2, pin=True), CudaLane)
    for batch, step in zip([one.to("cpu") for one in loader], plan, strict=True):
        np.testing.assert_array_equal(batch.images[0].numpy(), arrays[0].gather(step.rows[:, 0]))
