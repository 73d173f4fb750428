"""The rows of an epoch, read batch after batch, with advice to the kernel once they come from the disk."""

import sys
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from selfsame.learning.loading.gathering import RowGatherer


class EpochReader:
    """Reads the batches of one epoch, and notices whether they come from the disk.

    Once a batch had to wait for the disk, the rows of later ones are announced to the kernel. It then reads
    these rows and no others, all at once rather than one after the other. Threads may share a reader.

    Args:
        gatherers: one a modality.
    """

    def __init__(self, gatherers: Sequence[RowGatherer]) -> None:
        self._gatherers = tuple(gatherers)
        self._coming = deque[NDArray[np.int64]]()
        self._from_disk = False

    def expect(self, columns: NDArray[np.int64]) -> None:
        """Take note of a batch that will be read, in order.

        Args:
            columns: (modalities, batch) global rows.
        """
        self._coming.append(columns)

    def read(self, columns: NDArray[np.int64], out: Sequence[NDArray[np.uint8]]) -> None:
        """Copy the rows of a batch.

        Args:
            columns: (modalities, batch) global rows; -1 gives zeros.
            out: one array a modality, (batch, bytes a row) uint8, contiguous.

        Raises:
            IndexError: if a row is out of range.
        """
        self._announce()
        waits = _count_waits()
        for gatherer, rows, target in zip(self._gatherers, columns, out, strict=True):
            gatherer.gather(rows, target)
        if self._from_disk:
            for gatherer, rows in zip(self._gatherers, columns, strict=True):
                gatherer.leave(rows)
        elif _count_waits() > waits:
            self._set_from_disk(from_disk=True)

    def close(self) -> None:
        """End the epoch: the kernel reads as usual again."""
        if self._from_disk:
            self._set_from_disk(from_disk=False)

    def _set_from_disk(self, *, from_disk: bool) -> None:
        self._from_disk = from_disk
        for gatherer in self._gatherers:
            gatherer.read_exactly(exactly=from_disk)

    def _announce(self) -> None:
        """Announce all batches that are due: the disk reads the next ones while this one is copied."""
        while (columns := _take(self._coming)) is not None:
            if self._from_disk:
                for gatherer, rows in zip(self._gatherers, columns, strict=True):
                    gatherer.announce(rows)


def _take(coming: deque[NDArray[np.int64]]) -> NDArray[np.int64] | None:
    """Take the first of a queue that other threads take from as well."""
    try:
        return coming.popleft()
    except IndexError:
        return None


def _count_waits() -> int:
    """Count how often this thread had to wait for a page to be read from the disk.

    Linux alone counts them by thread. Elsewhere none are seen, and the kernel's own reading ahead is kept.
    """
    if sys.platform != "linux":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_THREAD).ru_majflt
