"""Rows of many memory-mapped shards, copied into one buffer by a single call that holds no lock of Python."""

import ctypes
import mmap
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from selfsame.imaging.arrays import FAILED, ShardedArrays

WORDS = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.uint8}
"""The units that rows are copied in, by bytes; the largest that fits is the fastest."""

MOST_BYTES = 2**62
"""Of a view, counted with its overlaps; torch counts them in 63 bits."""


class RowGatherer:
    """Gather rows of the arrays of one modality into tensors.

    Shards lie at unrelated addresses. One tensor is laid over all of them whose rows overlap: row i begins at
    the i-th word after the lowest address and is as long as a capture. Its rows where captures begin are the
    captures, and nothing else of it is ever read, so that `torch.index_select` copies a batch from all shards
    at once. Where the shards are too far apart to be counted so, rows are copied one by one. Rows of a single
    shard need none of that: `numpy.take` copies them, faster.

    Args:
        arrays: of one modality; kept, because the tensor does not hold their memory.
    """

    def __init__(self, arrays: ShardedArrays) -> None:
        self._arrays = arrays
        self._count = len(arrays)
        self._addresses = _address_rows(arrays.shards)
        self._whole = _view_whole(arrays.shards)
        self._words = _lay_over(arrays, self._addresses) if self._whole is None else None
        self._places = self._addresses[:0]
        if self._words is not None:
            self._places = (self._addresses - self._addresses.min()) // self._words.element_size()
        self._mappings = _Mappings(arrays.shards)

    @property
    def without_torch(self) -> bool:
        """Whether one thread copies rows, however many threads torch uses."""
        return self._words is None

    def gather(self, rows: NDArray[np.int64], out: NDArray[np.uint8]) -> None:
        """Copy rows together.

        Args:
            rows: (k,) global rows; -1 gives zeros.
            out: (k, bytes a row) uint8, contiguous.

        Raises:
            IndexError: if a row is out of range.
        """
        lowest = np.minimum.reduce(rows, initial=0)
        if lowest < FAILED or np.maximum.reduce(rows, initial=FAILED) >= self._count:
            self._arrays.require_rows(rows)
        if self._whole is not None:
            np.take(self._whole, rows, axis=0, out=out, mode="clip")
        elif self._words is not None:
            target = torch.from_numpy(out).view(self._words.dtype)
            torch.index_select(self._words, 0, torch.from_numpy(self._places[rows]), out=target)
        else:
            self._arrays.gather(rows, out=out.reshape(len(out), *self._arrays.shape[1:]))
        if lowest == FAILED:
            out[rows == FAILED] = 0

    def read_exactly(self, *, exactly: bool) -> None:
        """Let the kernel read from the disk what is asked for alone, or as usual some MiB around it."""
        self._mappings.advise(mmap.MADV_RANDOM if exactly else mmap.MADV_NORMAL)

    def announce(self, rows: NDArray[np.int64]) -> None:
        """Tell the kernel that these rows will be read, so that it reads them from the disk all at once.

        Args:
            rows: (k,) global rows; -1 is ignored.
        """
        self._advise(rows, mmap.MADV_WILLNEED)

    def leave(self, rows: NDArray[np.int64]) -> None:
        """Tell the kernel that these rows were read, so that their pages are the first to make room.

        Args:
            rows: (k,) global rows; -1 is ignored.
        """
        self._advise(rows, mmap.MADV_DONTNEED)

    def _advise(self, rows: NDArray[np.int64], advice: int) -> None:
        row_bytes = int(np.prod(self._arrays.shape[1:]))
        for address in np.sort(self._addresses[rows[rows != FAILED]]).tolist():
            self._mappings.advise_range(address, row_bytes, advice)


class _Mappings:
    """The read-only memory maps of files that shards lie in; shards in plain memory have none."""

    def __init__(self, shards: Sequence[NDArray[np.uint8]]) -> None:
        found = {id(one): one for one in map(_find_mapping, shards) if one is not None}
        starts = {np.frombuffer(one, np.uint8).ctypes.data: one for one in found.values()}
        self._starts = np.array(sorted(starts), dtype=np.int64)
        self._maps = [starts[start] for start in sorted(starts)]

    def advise(self, advice: int) -> None:
        """Give the kernel an advice about all memory maps."""
        for one in self._maps:
            one.madvise(advice)

    def advise_range(self, address: int, count: int, advice: int) -> None:
        """Give the kernel an advice about the pages of a range of addresses, if a memory map holds it."""
        i = int(np.searchsorted(self._starts, address, side="right")) - 1
        if i < 0 or address - int(self._starts[i]) >= len(self._maps[i]):
            return
        first = address - int(self._starts[i])
        aligned = first - first % mmap.PAGESIZE
        self._maps[i].madvise(advice, aligned, first + count - aligned)


def _find_mapping(shard: NDArray[np.uint8]) -> mmap.mmap | None:
    """Find the read-only memory map of a file that a shard lies in: of others, advice could lose content."""
    owner: object = shard
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    if not isinstance(owner, np.memmap) or owner.mode != "r":
        return None
    return owner.base if isinstance(owner.base, mmap.mmap) else None


def _view_whole(shards: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8] | None:
    """View a single shard as (rows, bytes a row) uint8; None where there are more, or gaps between rows."""
    if len(shards) != 1 or not shards[0].size or not shards[0].flags.c_contiguous:
        return None
    return shards[0].reshape(len(shards[0]), -1)


def _address_rows(shards: Sequence[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return the address of every global row, (rows,) int64."""
    return np.concatenate(
        [shard.ctypes.data + np.arange(len(shard), dtype=np.int64) * shard.strides[0] for shard in shards]
    )


def _lay_over(arrays: ShardedArrays, addresses: NDArray[np.int64]) -> Tensor | None:
    """Return (words from the first to the last row, words a row) over all shards; None where it cannot be."""
    row_bytes = int(np.prod(arrays.shape[1:]))
    contiguous = all(shard.flags.c_contiguous for shard in arrays.shards)
    if not addresses.size or not row_bytes or not contiguous:
        return None
    first, span = int(addresses.min()), int(np.ptp(addresses))
    size = next(size for size in WORDS if not row_bytes % size and not np.any(addresses % size))
    if (span // size + 1) * row_bytes >= MOST_BYTES:
        return None
    memory = (ctypes.c_uint8 * (span + row_bytes)).from_address(first)
    words = torch.frombuffer(memory, dtype=torch.uint8).view(WORDS[size])
    return words.as_strided((span // size + 1, row_bytes // size), (1, 1))
