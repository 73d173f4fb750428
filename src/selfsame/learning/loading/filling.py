"""Batches that a thread fills ahead of the loop; while the loop waits for one, it fills another."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import numpy as np
import torch
from numpy.typing import NDArray

from selfsame.learning.loading.buffers import Buffers, Lent
from selfsame.learning.loading.gathering import RowGatherer
from selfsame.learning.loading.reading import EpochReader

THREAD_NAME = "batches"


@dataclass(frozen=True, slots=True)
class Filling:
    """A batch that is queued, or being filled.

    Attributes:
        columns: (modalities, batch) int64, the global rows of each modality.
        done: gets the memory that was filled, or the error that filling it ended with.
    """

    columns: NDArray[np.int64]
    done: SimpleQueue[tuple[Buffers, Lent] | Exception] = field(default_factory=SimpleQueue)


class Filler:
    """Fills the batches of one epoch, in the order in which they are begun.

    A thread fills one after the other. While the loop waits for a batch, it fills the next queued one itself:
    two threads copy faster than one where a core is free, and where none is nobody waits to be woken. Several
    threads of torch would wait for each other after every row, so torch works alone in the thread, and the
    loop fills batches only where torch works alone in it too.

    Of the idle buffers the one that was used last is filled first, because it is still in the cache; of
    page-locked ones the one that was used first, because the device has finished with it.

    Args:
        gatherers: one a modality.
        ring: as many buffers as there are batches begun and not given back at any time.
        pin: whether the memory is page-locked.
    """

    def __init__(self, gatherers: Sequence[RowGatherer], ring: Sequence[Buffers], *, pin: bool) -> None:
        self._reader = EpochReader(gatherers)
        self._idle = deque(ring)
        self._take_idle = self._idle.popleft if pin else self._idle.pop
        self._waiting: SimpleQueue[Filling | None] = SimpleQueue()
        self._loop_fills = torch.get_num_threads() == 1
        self._thread = self._start_thread()

    def begin(self, rows: NDArray[np.int64]) -> Filling:
        """Queue a batch.

        Args:
            rows: (batch, modalities) int64, global rows; -1 gives zeros.
        """
        filling = Filling(np.ascontiguousarray(rows.T, dtype=np.int64))
        self._reader.expect(filling.columns)
        self._waiting.put(filling)
        return filling

    def finish(self, filling: Filling) -> tuple[Buffers, Lent]:
        """Wait until a batch is filled.

        Returns:
            The memory that holds it, to be given back, and its images.

        Raises:
            Exception: whatever was raised while it was filled.
        """
        while self._loop_fills and filling.done.empty() and (other := self._take()):
            self._fill(other)
        made = filling.done.get()
        if isinstance(made, Exception):
            raise made
        return made

    def give_back(self, buffers: Buffers) -> None:
        """Let memory be filled again, once the device has finished with it."""
        buffers.release()
        self._idle.append(buffers)

    def close(self) -> None:
        """Drop the batches that are still queued, and wait for the thread to end."""
        while self._take():
            pass
        self._waiting.put(None)
        self._thread.join()
        self._reader.close()

    def _start_thread(self) -> threading.Thread:
        """Start the thread, and leave the number of torch's threads in this one as it is.

        torch settles a thread's number when the thread first asks for it, as the one that any thread set
        last. So the number of this thread is set again after that.
        """
        of_the_loop, settled = torch.get_num_threads(), threading.Event()
        thread = threading.Thread(target=self._work, args=(settled,), name=THREAD_NAME, daemon=True)
        thread.start()
        try:
            settled.wait()
        except BaseException:  # an interrupt: nobody else would end the thread
            self._waiting.put(None)
            raise
        torch.set_num_threads(of_the_loop)
        return thread

    def _work(self, settled: threading.Event) -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()
        settled.set()
        while (filling := self._waiting.get()) is not None:
            self._fill(filling)

    def _take(self) -> Filling | None:
        """Take the next queued batch, if there is one."""
        try:
            return self._waiting.get_nowait()
        except Empty:
            return None

    def _fill(self, filling: Filling) -> None:
        try:
            buffers = self._take_idle()
            lent = buffers.lend(filling.columns.shape[1])
            buffers.wait()
            self._reader.read(filling.columns, lent.rows)
        except Exception as error:  # whoever waits for the batch raises it
            filling.done.put(error)
        else:
            filling.done.put((buffers, lent))
