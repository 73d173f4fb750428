"""Batches in the making: who fills which, and what becomes of errors."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from selfsame.learning.loading.buffers import Buffers
from selfsame.learning.loading.filling import Filler
from selfsame.learning.loading.gathering import RowGatherer
from selfsame.shards.arrays import ShardedArrays

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 2, 4, 6), dtype=np.uint8)


@pytest.fixture
def begun(monkeypatch):
    """Begin `Filler.of(shards)` with three batches, the first of which the thread holds up.

    It goes on once the loop has filled the third, or when `release` is called; `names` are those of the
    threads that gathered.
    """
    gather, names, started, released = RowGatherer.gather, [], threading.Event(), threading.Event()

    def gather_late(self, rows, out):
        names.append(threading.current_thread().name)
        started.set()
        if len(names) == 1:
            assert released.wait(60)
        if len(names) == 3:
            released.set()
        gather(self, rows, out)

    monkeypatch.setattr(RowGatherer, "gather", gather_late)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    fillers = []

    def begin(shards, rows):
        arrays = ShardedArrays(dict(enumerate(np.array_split(PIXELS, shards))))
        ring = [Buffers([arrays.shape[1:]], pin=False) for _ in rows]
        filler = Filler([RowGatherer(arrays)], ring, pin=False)
        fillers.append(filler)
        made = []
        for some in rows:
            made.append(filler.begin(np.array(some)[:, None]))
            assert started.wait(60)
        return SimpleNamespace(filler=filler, made=made, names=names, release=released.set)

    yield begin
    released.set()
    for filler in fillers:
        filler.close()


def assert_filled(made, rows):
    _, lent = made
    np.testing.assert_array_equal(lent.images[0].numpy(), PIXELS[rows])


@pytest.mark.parametrize("shards", [1, 2])
def test_a_loop_that_waits_fills_what_nobody_has_begun(begun, shards):
    rows = [[1, 2], [9], [4, 0, 3]]
    run = begun(shards, rows)
    made = [run.filler.finish(filling) for filling in run.made]
    assert run.names == ["batches", "MainThread", "MainThread"]
    for one, wanted in zip(made, rows, strict=True):
        assert_filled(one, wanted)


def test_a_loop_that_uses_several_threads_of_torch_leaves_it_to_the_thread(begun, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    rows = [[1, 2], [9], [4, 0, 3]]
    run = begun(2, rows)
    run.release()
    for filling, wanted in zip(run.made, rows, strict=True):
        assert_filled(run.filler.finish(filling), wanted)
    assert run.names == ["batches"] * 3


def test_an_error_in_a_later_batch_waits_for_its_turn(begun):
    run = begun(1, [[1], [99], [3]])
    assert_filled(run.filler.finish(run.made[0]), [1])
    with pytest.raises(IndexError, match="got 99 to 99"):
        run.filler.finish(run.made[1])


def test_an_interrupt_of_the_loop_does_not_wait_for_a_turn(begun, monkeypatch):
    def interrupt(self, rows, out):
        raise KeyboardInterrupt

    run = begun(1, [[1], [2], [3]])
    monkeypatch.setattr(RowGatherer, "gather", interrupt)  # the thread is within its own by now
    with pytest.raises(KeyboardInterrupt):
        run.filler.finish(run.made[0])


def test_what_was_not_begun_is_dropped_at_the_end(begun):
    run = begun(1, [[1], [2], [3]])
    threading.Timer(0.1, run.release).start()
    run.filler.close()
    assert run.names == ["batches"]
    assert not [thread for thread in threading.enumerate() if thread.name == "batches"]


@pytest.mark.parametrize(("pin", "next_one"), [(False, 1), (True, 0)])
def test_memory_that_was_used_last_is_filled_first_unless_a_device_may_still_read_it(pin, next_one):
    gatherer = RowGatherer(ShardedArrays({"a": PIXELS}))
    ring = [Buffers([PIXELS.shape[1:]], pin=False) for _ in range(3)]
    filler = Filler([gatherer], ring, pin=pin)
    first, _ = filler.finish(filler.begin(np.array([[1]])))
    second, _ = filler.finish(filler.begin(np.array([[2]])))
    filler.give_back(first)
    filler.give_back(second)
    third, lent = filler.finish(filler.begin(np.array([[3]])))
    assert third is (second if next_one else ring[2])
    assert_filled((third, lent), [3])
    filler.close()


def test_a_loop_keeps_its_number_of_torch_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        Filler([RowGatherer(ShardedArrays({"a": PIXELS}))], [], pin=False).close()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
