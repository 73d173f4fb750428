"""Normalised captures in bulk: shards of uint8 pixels, what their rows are, and many shards as one array."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from selfsame.errors import MismatchError

CHANNELS = 2
"""Channel 0 is the image, channel 1 the mask (255 where the trait is visible, else 0)."""

FAILED = -1
"""The row of an impression that could not be normalised."""


class Entry(NamedTuple):
    """What became of one impression of a shard.

    Attributes:
        capture_id: of the capture that it was made from.
        impression: 0 for the capture itself, from 1 for synthetic impressions made from it.
        row: its row in the shard, or -1 where the normalisation failed.
        reason: why it failed in a word, or None.
        detail: why it failed in a sentence, or None.
        measures: what the normalisation learnt on the way (see `Normalised`).
    """

    capture_id: str
    impression: int
    row: int
    reason: str | None
    detail: str | None
    measures: dict[str, float]


class ShardRecord(BaseModel):
    """What a shard holds, and what it took to make it.

    Attributes:
        shape: (rows, 2, height, width) of its pixels.
        xxh128: checksum of its pixels in C order, see `checksum_pixels`.
        entries: one an impression, in the order of the manifest; failed ones are included.
        seconds: of one core, by stage of the work.
        provisional: whether some capture could not be read, so that the next run has to try again.
        recipe: digest of the normalisation that made it: its settings and its version, not the captures.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")

    shape: tuple[int, int, int, int]
    xxh128: str
    entries: tuple[Entry, ...]
    seconds: dict[str, float]
    provisional: bool
    recipe: str


@dataclass(frozen=True)
class Shard:
    """Some hundreds of normalised captures and their record, under the digest of what went in.

    Attributes:
        name: hexadecimal digest of the captures and settings that the shard follows from.
        pixels: (rows, 2, height, width) uint8.
        record: what the rows are.
    """

    name: str
    pixels: NDArray[np.uint8]
    record: ShardRecord


class ShardedArrays:
    """Shards that are read as one array, without copying them together.

    A global row numbers the rows of all shards, shards in the order of their names. To other processes of the
    machine memory-mapped shards travel as the names of their files.

    Args:
        pixels: by shard name, (rows, 2, height, width) uint8, memory-mapped or not; all of one size.
        records: by shard name, what the rows are, perhaps read when asked for; empty where nobody asks.

    Raises:
        MismatchError: if there is no shard, or if one has another height, width or dtype than the others.
    """

    def __init__(
        self, pixels: Mapping[str, NDArray[np.uint8]], records: Mapping[str, ShardRecord] | None = None
    ) -> None:
        if not pixels:
            raise MismatchError(
                "expected one shard or more of normalised captures, got none: run preprocessing"
            )
        self._names = tuple(sorted(pixels))
        # A plain view of a memory map is indexed several times faster than the memmap itself.
        self._pixels = tuple(np.asarray(pixels[name]).view(np.ndarray) for name in self._names)
        self.records: Mapping[str, ShardRecord] = {} if records is None else records
        first = self._pixels[0]
        for name, shard in zip(self._names, self._pixels, strict=True):
            if shard.dtype != np.uint8 or shard.shape[1:] != first.shape[1:] or shard.shape[1] != CHANNELS:
                raise MismatchError(
                    f"expected shards of (rows, 2, height, width) uint8 as in shard {self._names[0]} "
                    f"{first.shape}, got {shard.shape} {shard.dtype} in shard {name}: run preprocessing again"
                )
        counts = [len(shard) for shard in self._pixels]
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)

    def __reduce__(self) -> tuple[object, ...]:
        sent = {name: _send(pixels) for name, pixels in zip(self._names, self._pixels, strict=True)}
        return _receive, (sent, self.records)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(rows of all shards, 2, height, width)."""
        _, channels, height, width = self._pixels[0].shape
        return len(self), channels, height, width

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def shards(self) -> tuple[NDArray[np.uint8], ...]:
        """The pixels of each shard, (rows, 2, height, width) uint8, in the order of the global rows."""
        return self._pixels

    @cached_property
    def recipe(self) -> str:
        """Digest of the normalisation that made the shards; empty where no record says it.

        Raises:
            MismatchError: if shards were made by different ones.
        """
        found = sorted({record.recipe for record in self.records.values()})
        if len(found) > 1:
            raise MismatchError(
                f"expected shards made by one normalisation, got {len(found)}: run preprocessing again"
            )
        return "".join(found)

    def rows(
        self, shards: Sequence[str | None], rows: Sequence[int] | NDArray[np.integer]
    ) -> NDArray[np.int64]:
        """Number the given rows of the given shards globally.

        Args:
            shards: name of the shard of each row; ignored where the row is -1.
            rows: row in that shard, or -1 for a capture that has none.

        Returns:
            Global rows, int64; -1 where the row was -1.

        Raises:
            MismatchError: if a shard is not here or has fewer rows: index and arrays are of different runs.
        """
        starts = dict(zip(self._names, self._starts[:-1].tolist(), strict=True))
        counts = dict(zip(self._names, np.diff(self._starts).tolist(), strict=True))
        found = np.full(len(rows), FAILED, dtype=np.int64)
        for i, (shard, row) in enumerate(zip(shards, np.asarray(rows).tolist(), strict=True)):
            if row == FAILED:
                continue
            if shard is None or not 0 <= row < counts.get(shard, 0):
                raise MismatchError(
                    f"expected row {row} of shard {shard} among the arrays, which do not have it: index and "
                    "arrays are of different runs; run preprocessing again"
                )
            found[i] = starts[shard] + row
        return found

    def require_rows(self, rows: NDArray[np.integer]) -> NDArray[np.int64]:
        """Refuse global rows that the shards do not have; -1 is allowed.

        Raises:
            IndexError: if a row is out of range.
        """
        wanted = np.asarray(rows, dtype=np.int64)
        if wanted.size and (wanted.min() < FAILED or wanted.max() >= len(self)):
            raise IndexError(
                f"expected global rows from -1 to {len(self) - 1}, got {wanted.min()} to {wanted.max()}"
            )
        return wanted

    def gather(self, rows: NDArray[np.integer], out: NDArray[np.uint8] | None = None) -> NDArray[np.uint8]:
        """Copy rows together into one batch.

        Args:
            rows: (k,) global rows; -1 gives a row of zeros.
            out: (k, 2, height, width) uint8 to write to; a new array where absent.

        Returns:
            `out`, or the new array.

        Raises:
            IndexError: if a row is out of range.
        """
        wanted = self.require_rows(rows)
        if out is None:
            out = np.empty((len(wanted), *self.shape[1:]), dtype=np.uint8)
        shards = np.searchsorted(self._starts, wanted, side="right") - 1
        places = wanted - self._starts[shards]
        for i, (shard, place) in enumerate(zip(shards.tolist(), places.tolist(), strict=True)):
            if shard < 0:
                out[i] = 0
            else:
                out[i] = self._pixels[shard][place]
        return out


@dataclass(frozen=True)
class _Mapped:
    """Where the pixels of a memory-mapped shard lie: the file, the first byte, their shape."""

    path: str
    offset: int
    shape: tuple[int, ...]


def _send(pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | _Mapped:
    """Name the file of memory-mapped pixels, and give others as they are."""
    root: object = pixels
    while isinstance(root, np.ndarray) and isinstance(root.base, np.ndarray):
        root = root.base
    if not isinstance(root, np.memmap) or root.filename is None or not pixels.flags.c_contiguous:
        return pixels
    return _Mapped(str(root.filename), root.offset + pixels.ctypes.data - root.ctypes.data, pixels.shape)


def _receive(
    sent: Mapping[str, NDArray[np.uint8] | _Mapped], records: Mapping[str, ShardRecord]
) -> ShardedArrays:
    pixels = {
        name: np.memmap(one.path, np.uint8, "r", one.offset, one.shape) if isinstance(one, _Mapped) else one
        for name, one in sent.items()
    }
    return ShardedArrays(pixels, records)
