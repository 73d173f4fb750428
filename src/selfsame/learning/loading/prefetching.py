"""Batches that are copied to a CUDA device while the device computes with the one before."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Protocol

import torch

from selfsame.learning.loading.batches import Batch, BatchLoader


class Lane(Protocol):
    """A queue of copies beside the queue of computations."""

    def entered(self) -> AbstractContextManager[object]:
        """Queue here what the context begins, rather than among the computations."""
        ...

    def copy(self, batch: Batch) -> Batch:
        """Begin to copy a batch to the device."""
        ...

    def mark(self) -> object:
        """Mark the end of what was queued here so far."""
        ...

    def await_mark(self, mark: object, batch: Batch) -> None:
        """Let later computations wait for a mark, and keep the batch's memory until they are done."""
        ...


class CudaLane:
    """A CUDA stream of its own, of the device that is current when it is made."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()

    def entered(self) -> AbstractContextManager[object]:
        """Make the stream the current one."""
        return torch.cuda.stream(self._stream)

    def copy(self, batch: Batch) -> Batch:
        """Copy to the stream's device, from page-locked memory without waiting."""
        return batch.to(self._stream.device)

    def mark(self) -> torch.cuda.Event:
        """Record an event in the stream."""
        event = torch.cuda.Event()
        event.record(self._stream)
        return event

    def await_mark(self, mark: object, batch: Batch) -> None:
        """Let the current stream wait for the event; tell the allocator that it uses the batch."""
        computing = torch.cuda.current_stream()
        if isinstance(mark, torch.cuda.Event):
            computing.wait_event(mark)
        for tensor in (*batch.images, batch.present, batch.labels):
            tensor.record_stream(computing)


class DevicePrefetcher:
    """Iterate over the batches of a loader on the device, each copied while the one before is in use.

    Args:
        loader: of page-locked batches.
        lane: makes the queue of copies, when the first epoch begins: in the process and on the device that
            trains. It is kept, because torch reuses memory within one queue only.
    """

    def __init__(self, loader: BatchLoader, lane: Callable[[], Lane] = CudaLane) -> None:
        self._loader = loader
        self._make_lane = lane

    @cached_property
    def _lane(self) -> Lane:
        return self._make_lane()

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Batch]:
        lane = self._lane
        batches = iter(self._loader)
        ready = _begin_copy(batches, lane)
        while ready is not None:
            coming = _begin_copy(batches, lane)
            batch, mark = ready
            lane.await_mark(mark, batch)
            yield batch
            ready = coming


def _begin_copy(batches: Iterator[Batch], lane: Lane) -> tuple[Batch, object] | None:
    """Queue the copy of the next batch; the loader marks in the same queue where its memory is free again."""
    with lane.entered():
        batch = next(batches, None)
        return None if batch is None else (lane.copy(batch), lane.mark())
