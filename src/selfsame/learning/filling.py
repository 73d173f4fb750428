"""Batches in the making: a thread fills them ahead, and a loop that has to wait for one fills another."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue

import numpy as np
import torch
from numpy.typing import NDArray

from selfsame.learning.buffers import Buffers, Lent
from selfsame.learning.gathering import RowGatherer
from selfsame.learning.reading import EpochReader

THREAD_NAME = "batches"


@dataclass(frozen=True, slots=True)
class Filling:
    """A batch in the making.

    Attributes:
        columns: (modalities, batch) int64, the global rows of each modality.
        done: tells the end, by the memory that was filled or by the error that it ended with.
    """

    columns: NDArray[np.int64]
    done: SimpleQueue[tuple[Buffers, Lent] | Exception] = field(default_factory=SimpleQueue)


class Filler:
    """Fills the batches of one epoch, in the order in which they are begun.

    A thread fills one after the other. While the loop waits for a batch, it fills the next queued one itself:
    two threads copy faster than one where a core is free, and where none is nobody waits to be woken. Several
    threads of torch would wait for each other after every row, so torch works alone in the thread, and the
    loop fills batches only where torch works alone in it too.

    Of idle memory what was used last is filled first, because it is still in the cache; of page-locked memory
    what was used first, because the device has finished with it.

    Args:
        gatherers: one a modality.
        ring: memory for as many batches as are begun and not given back at any time.
        pin: whether the memory is page-locked.
    """

    def __init__(self, gatherers: Sequence[RowGatherer], ring: Sequence[Buffers], *, pin: bool) -> None:
        self._reader = EpochReader(gatherers)
        self._idle = deque(ring)
        self._take_idle = self._idle.popleft if pin else self._idle.pop
        self._waiting: SimpleQueue[Filling | None] = SimpleQueue()
        self._lends_a_hand = torch.get_num_threads() == 1
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
            Exception: what it ended with, as it was raised there.
        """
        while self._lends_a_hand and filling.done.empty() and (other := self._take()):
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
        """Drop what was not begun, and wait for the end of the thread."""
        while self._take():
            pass
        self._waiting.put(None)
        self._thread.join()
        self._reader.close()

    def _start_thread(self) -> threading.Thread:
        """Start the thread, and leave the number of torch's threads in this one as it is.

        The number of a thread is settled when it is first asked for, as the one that was set last by any
        thread; so this one's is set again after that.
        """
        of_the_loop, settled = torch.get_num_threads(), threading.Event()
        thread = threading.Thread(target=self._work, args=(settled,), name=THREAD_NAME, daemon=True)
        thread.start()
        try:
            settled.wait()
        except BaseException:  # of the user, who stops the run: nobody would end the thread
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
        """Take the next batch that nobody has begun, if there is one."""
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
