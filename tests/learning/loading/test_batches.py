"""Batches gathered ahead of the loop."""

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from selfsame.learning.loading import filling
from selfsame.learning.loading.batches import BatchLoader, PlanStep
from selfsame.learning.loading.gathering import RowGatherer
from selfsame.shards.arrays import ShardedArrays


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    sizes = ((4, 6), (5, 5))
    return [
        ShardedArrays({name: rng.integers(0, 256, (9, 2, *size), dtype=np.uint8) for name in "ab"})
        for size in sizes
    ]


@pytest.fixture
def plan():
    rng = np.random.default_rng(1)
    return [
        PlanStep(rng.integers(-1, 18, (batch, 2)), rng.integers(0, 9, batch)) for batch in (4, 8, 8, 3, 5)
    ]


def batch_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("batches")]


def assert_gathered(batch, step, arrays):
    for column, one in enumerate(arrays):
        np.testing.assert_array_equal(batch.images[column].numpy(), one.gather(step.rows[:, column]))
    np.testing.assert_array_equal(batch.present.numpy(), step.rows >= 0)
    np.testing.assert_array_equal(batch.labels.numpy(), step.labels)


@pytest.mark.parametrize("prefetch", [1, 2, 7])
def test_every_batch_holds_the_rows_of_its_step(arrays, plan, prefetch):
    loader = BatchLoader(arrays, plan, prefetch=prefetch, pin=False)
    assert len(loader) == 5
    for _ in range(2):
        for batch, step in zip(loader, plan, strict=True):
            assert_gathered(batch, step, arrays)


def test_batches_are_uint8_and_absent_modalities_are_marked(arrays):
    plan = [PlanStep(np.array([[3, -1], [-1, 4]]), np.array([0, 1]))]
    (batch,) = BatchLoader(arrays, plan, prefetch=1, pin=False)
    assert [images.dtype for images in batch.images] == [torch.uint8, torch.uint8]
    assert batch.present.tolist() == [[True, False], [False, True]]
    assert not batch.images[0][1].any()


def test_a_batch_stays_as_it_is_until_the_next_is_asked_for(arrays, plan, monkeypatch):
    gather, gathered = RowGatherer.gather, threading.Semaphore(0)

    def gather_and_tell(self, rows, out):
        result = gather(self, rows, out)
        gathered.release()
        return result

    monkeypatch.setattr(RowGatherer, "gather", gather_and_tell)
    batch = next(loader := iter(BatchLoader(arrays, plan, prefetch=3, pin=False)))
    for _ in range((1 + 3) * len(arrays)):  # the thread fills all that it may
        assert gathered.acquire(timeout=60)
    assert not gathered.acquire(blocking=False)
    assert_gathered(batch, plan[0], arrays)
    loader.close()


def test_buffers_are_reused_from_epoch_to_epoch(arrays, plan):
    least = min(len(step.rows) for step in plan)  # of batches of one size memory is allocated once
    even = [PlanStep(step.rows[:least], step.labels[:least]) for step in plan]
    loader = BatchLoader(arrays, even, prefetch=1, pin=False)
    epochs = [{batch.images[0].data_ptr() for batch in loader} for _ in range(4)]
    assert len(set().union(*epochs)) <= 2


def test_an_epoch_that_cannot_begin_leaves_buffers_and_loader_as_they_were(arrays, plan, monkeypatch):
    even = [PlanStep(step.rows[:3], step.labels[:3]) for step in plan]
    loader = BatchLoader(arrays, even, prefetch=1, pin=False)
    before = {batch.images[0].data_ptr(): batch for batch in loader}  # kept, so that nothing else lies there

    def refuse(thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            next(iter(loader))
    after = set()
    for batch, step in zip(loader, even, strict=True):
        assert_gathered(batch, step, arrays)
        after.add(batch.images[0].data_ptr())
    assert after == before.keys()


def test_a_loop_that_is_interrupted_while_the_thread_starts_ends_it(arrays, plan, monkeypatch):
    class Interrupted(threading.Event):
        def wait(self, timeout=None):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(filling, "threading", SimpleNamespace(Thread=threading.Thread, Event=Interrupted))
        with pytest.raises(KeyboardInterrupt):
            next(iter(BatchLoader(arrays, plan, prefetch=1, pin=False)))
    for thread in batch_threads():
        thread.join(timeout=60)
    assert not batch_threads()


def test_two_epochs_at_once_do_not_share_buffers(arrays, plan):
    loader = BatchLoader(arrays, plan, prefetch=1, pin=False)
    for one, other, step in zip(loader, loader, plan, strict=True):
        assert_gathered(one, step, arrays)
        assert_gathered(other, step, arrays)


def test_an_empty_plan_gives_no_batch(arrays):
    assert list(BatchLoader(arrays, [], prefetch=2, pin=False)) == []


def test_an_error_in_the_thread_reaches_the_loop(arrays, plan):
    broken = [*plan[:2], PlanStep(np.array([[99, 0]]), np.array([0]))]
    loader = iter(BatchLoader(arrays, broken, prefetch=2, pin=False))
    assert [len(next(loader)), len(next(loader))] == [4, 8]
    with pytest.raises(IndexError, match="got 99 to 99"):
        next(loader)
    assert not batch_threads()


def test_a_plan_of_other_modalities_is_refused(arrays):
    plan = [PlanStep(np.zeros((2, 3), np.int64), np.zeros(2, np.int64))]
    with pytest.raises(ValueError, match="rows of 2 modalities in the plan, got 3"):
        list(BatchLoader(arrays, plan, prefetch=1, pin=False))


def test_breaking_the_loop_stops_the_thread(arrays, plan):
    for _ in BatchLoader(arrays, plan, prefetch=2, pin=False):
        assert len(batch_threads()) == 1
        break
    assert not batch_threads()


def test_prefetching_nothing_is_refused(arrays, plan):
    with pytest.raises(ValueError, match="1 batch or more, got 0"):
        BatchLoader(arrays, plan, prefetch=0, pin=False)


def test_a_batch_moves_to_a_device_as_a_whole(arrays, plan):
    loader = BatchLoader(arrays, plan, prefetch=1, pin=False)
    moved = next(iter(loader)).to("meta")
    assert {tensor.device.type for tensor in (*moved.images, moved.present, moved.labels)} == {"meta"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_pinned_buffers_are_not_overwritten_while_they_are_copied(arrays):
    rng = np.random.default_rng(2)
    plan = [PlanStep(rng.integers(0, 18, (4096, 2)), np.zeros(4096, np.int64)) for _ in range(40)]
    loader = BatchLoader(arrays, plan, prefetch=1, pin=True)
    ballast = torch.ones(4096, 4096, device="cuda")
    moved = []
    for batch in loader:
        ballast = ballast @ ballast / 4096  # the device is behind, so that copies wait in its queue
        moved.append(batch.to("cuda"))
    for batch, step in zip(moved, plan, strict=True):
        assert_gathered(batch.to("cpu"), step, arrays)


def test_torch_works_alone_in_the_thread_that_gathers(arrays, plan, monkeypatch):
    seen = []
    gather = RowGatherer.gather

    def look(self, rows, out):
        seen.append(torch.get_num_threads())
        gather(self, rows, out)

    monkeypatch.setattr(RowGatherer, "gather", look)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        list(BatchLoader(arrays, plan, prefetch=1, pin=False))
        assert set(seen) == {1}
        with ThreadPoolExecutor(1) as other:
            assert other.submit(torch.get_num_threads).result() == torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
