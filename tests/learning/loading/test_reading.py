"""An epoch that is read from the disk: what the kernel is told, and what it is not."""

import mmap
import resource
from types import SimpleNamespace

import numpy as np
import pytest

from selfsame.learning.loading.batches import BatchLoader, PlanStep
from selfsame.learning.loading.gathering import RowGatherer
from selfsame.learning.loading.reading import EpochReader

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 2, 32, 64), dtype=np.uint8)  # a row is a page
PAGE = mmap.PAGESIZE
BATCHES = np.arange(20).reshape(5, 1, 4)


@pytest.fixture
def disk(monkeypatch):
    """A disk that the calling thread had to wait for `disk.waits` times."""
    told = SimpleNamespace(waits=0)
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_majflt=told.waits))
    return told


@pytest.fixture
def epoch(map_files, disk):
    """Read five batches, each known one batch ahead; `epoch(2)` waits for the disk in the second.

    Returns what the kernel was told before each batch, and after the last one.
    """

    def read(waiting):
        arrays, told = map_files([PIXELS])
        gatherer = RowGatherer(arrays)
        gatherer_waits = gatherer.gather

        def gather(rows, out):
            disk.waits += number == waiting
            gatherer_waits(rows, out)

        gatherer.gather = gather
        reader, heard = EpochReader([gatherer]), []
        reader.expect(BATCHES[0])
        for number, columns in enumerate(BATCHES, 1):
            if number < len(BATCHES):
                reader.expect(BATCHES[number])
            out = np.zeros((4, PAGE), np.uint8)
            reader.read(columns, [out])
            np.testing.assert_array_equal(out, PIXELS[columns[0]].reshape(4, -1))
            heard.append([*told])
            told.clear()
        reader.close()
        return [*heard, [*told]]

    return read


def rows_of(heard, advice):
    """Tell which rows an advice was about; a row begins within one page and ends within the next."""
    return [one.begin // PAGE for one in heard if one.advice == advice]


def test_nothing_is_told_where_nobody_waits(epoch):
    assert epoch(None) == [[]] * 6


def test_once_a_batch_had_to_wait_later_ones_are_announced_and_left(epoch):
    first, second, *later, last = epoch(2)
    assert first == []
    assert [one.advice for one in second] == [mmap.MADV_RANDOM]
    announced = [rows_of(heard, mmap.MADV_WILLNEED) for heard in later]
    assert announced == [BATCHES[3, 0].tolist(), BATCHES[4, 0].tolist(), []]  # the third was known too early
    assert [rows_of(heard, mmap.MADV_DONTNEED) for heard in later] == BATCHES[2:, 0].tolist()
    assert [one.advice for one in last] == [mmap.MADV_NORMAL]  # the next epoch begins as usual


def test_batches_are_the_same_from_the_disk(map_files, monkeypatch):
    waits = iter(range(1000))
    monkeypatch.setattr(resource, "getrusage", lambda _: SimpleNamespace(ru_majflt=next(waits)))
    arrays, told = map_files(np.array_split(PIXELS, 3))
    plan = [PlanStep(rows.T, np.zeros(4, np.int64)) for rows in BATCHES]
    for batch, step in zip(BatchLoader([arrays], plan, prefetch=2, pin=False), plan, strict=True):
        np.testing.assert_array_equal(batch.images[0].numpy(), PIXELS[step.rows[:, 0]])
    assert mmap.MADV_DONTNEED in {one.advice for one in told}
