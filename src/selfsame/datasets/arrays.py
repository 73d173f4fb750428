"""Shards of normalised captures in a folder: written one by one, atomically, and read as memory maps."""

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray
from pydantic import ValidationError

from selfsame.datasets.atomic import publish
from selfsame.errors import DamagedError, InputError
from selfsame.imaging.arrays import Shard, ShardedArrays, ShardRecord, digest_pixels

logger = logging.getLogger(__name__)

PIXELS, RECORD, PART = ".npy", ".json", ".part"
REMEDY = "run preprocessing again: it makes what is damaged or missing and keeps the rest"

Verification = Literal["size", "content"]


class ArraysDataset(AbstractDataset[Iterable[Shard | str], ShardedArrays]):
    """The normalised captures of one modality: `<shard>.npy` beside `<shard>.json` in one local folder.

    Saving takes the shards one by one: a `Shard` is written, a name stands for a shard that is there already.
    Each file is written under a temporary name and renamed, the record last, so that a killed run leaves only
    complete shards. After the last one, shards that were not named and files of killed runs are removed.

    Args:
        filepath: the folder; local, because its files are memory-mapped.
        verify: what a load checks of each shard: the `size` of its files, or its whole `content`, by digest.
        metadata: for Kedro's plug-ins.
    """

    def __init__(
        self, *, filepath: str, verify: Verification = "content", metadata: dict[str, object] | None = None
    ) -> None:
        self._folder = _local_folder(filepath)
        self._verify = verify
        self.metadata = metadata

    def load(self) -> ShardedArrays:
        """Map every shard of the folder.

        Raises:
            DamagedError: if there is no shard, or if one is incomplete or altered.
        """
        names = _names(self._folder)
        if not names:
            raise DamagedError(
                f"expected shards of normalised captures in {self._folder}, found none: run preprocessing"
            )
        records = {name: _read_record(self._folder, name) for name in names}
        pixels = {name: _map_pixels(self._folder, name, records[name], self._verify) for name in names}
        return ShardedArrays(pixels, records)

    def save(self, data: Iterable[Shard | str]) -> None:
        """Write shards as they come; then remove what is no longer named.

        Raises:
            InputError: if the folder cannot be written.
        """
        named = set()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for item in data:
                if isinstance(item, Shard):
                    _write_shard(self._folder, item)
                named.add(item.name if isinstance(item, Shard) else item)
            _sweep(self._folder, named)
        except OSError as error:
            raise InputError(
                f"expected a folder that can be written, got {error.strerror or error} at {self._folder}: "
                "free space, correct its permissions or choose another data root; finished shards are kept"
            ) from error

    def _exists(self) -> bool:
        return bool(_names(self._folder))

    def _describe(self) -> dict[str, object]:
        return {"filepath": str(self._folder), "verify": self._verify}


class MadeShardsDataset(AbstractDataset[None, frozenset[str]]):
    """The names of a folder's shards that need not be made again: complete, unaltered and not provisional.

    Read-only; a folder that does not exist yet has none.

    Args:
        filepath: the folder of an `ArraysDataset`.
        metadata: for Kedro's plug-ins.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, object] | None = None) -> None:
        self._folder = _local_folder(filepath)
        self.metadata = metadata

    def load(self) -> frozenset[str]:
        """Check every shard of the folder, whole."""
        return frozenset(name for name in _names(self._folder) if self._is_made(name))

    def save(self, data: None) -> None:
        """Refuse: shards are written through `ArraysDataset`.

        Raises:
            InputError: always.
        """
        raise InputError("expected shards to be saved through an ArraysDataset, got its read-only list")

    def _is_made(self, name: str) -> bool:
        try:
            record = _read_record(self._folder, name)
            _map_pixels(self._folder, name, record, "content")
        except DamagedError as error:
            logger.warning("%s", error)
            return False
        return not record.provisional

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, object]:
        return {"filepath": str(self._folder)}


def _local_folder(filepath: str) -> Path:
    """Refuse a remote folder: memory maps need local files."""
    if "://" in filepath:
        raise InputError(
            f"expected a local folder for memory-mapped arrays, got {filepath}: set a local data root"
        )
    return Path(filepath)


def _names(folder: Path) -> list[str]:
    """Name the shards of a folder: those with either of their two files, so that a lost one is noticed."""
    if not folder.is_dir():
        return []
    return sorted({path.stem for path in folder.iterdir() if path.suffix in (PIXELS, RECORD)})


def _read_record(folder: Path, name: str) -> ShardRecord:
    path = folder / f"{name}{RECORD}"
    try:
        stored = json.loads(path.read_bytes())
        if stored["sha256"] != _digest_record(stored["record"]):
            raise ValueError("its digest differs")
        return ShardRecord.model_validate(stored["record"])
    except (OSError, ValueError, TypeError, KeyError, ValidationError) as error:
        raise DamagedError(
            f"expected the record of shard {name} at {path}, got {_first_line(error)}: {REMEDY}"
        ) from None


def _map_pixels(folder: Path, name: str, record: ShardRecord, verify: Verification) -> NDArray[np.uint8]:
    path = folder / f"{name}{PIXELS}"
    try:
        pixels = _map(path)
    except (OSError, ValueError, EOFError) as error:
        raise DamagedError(
            f"expected the pixels of shard {name} at {path}, got {_first_line(error)}: {REMEDY}"
        ) from None
    if pixels.shape != record.shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
        raise DamagedError(
            f"expected {record.shape} uint8 in shard {name}, got {pixels.shape} {pixels.dtype}: {REMEDY}"
        )
    if verify == "content" and digest_pixels(pixels) != record.sha256:
        raise DamagedError(
            f"expected pixels of digest {record.sha256[:12]} in shard {name}, got others: {REMEDY}"
        )
    return pixels


def _map(path: Path) -> NDArray[np.uint8]:
    """Map an array file, which must have the size that its header declares."""
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another version of the npy format")
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        declared = file.tell() + int(np.prod(shape)) * dtype.itemsize
    size = path.stat().st_size
    if size != declared:
        raise ValueError(f"{size} bytes where its header declares {declared}")
    if 0 in shape:  # nothing to map
        return np.empty(shape, dtype=dtype)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _write_shard(folder: Path, shard: Shard) -> None:
    """Write the pixels, then the record that makes them count."""
    began = time.perf_counter()
    _replace(
        folder / f"{shard.name}{PIXELS}",
        lambda file: _write_pixels(file, shard.pixels),
    )
    seconds = {**shard.record.seconds, "write": round(time.perf_counter() - began, 6)}
    record = shard.record.model_copy(update={"seconds": seconds})
    digest = _digest_record(record.model_dump(mode="json"))
    text = f'{{"sha256": "{digest}", "record": {record.model_dump_json(indent=1)}}}'
    _replace(folder / f"{shard.name}{RECORD}", lambda file: file.write(text.encode()))


def _write_pixels(file: BinaryIO, pixels: NDArray[np.uint8]) -> None:
    """Write a C-contiguous array as .npy; numpy's own writing does not say that the disk is full."""
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(pixels))
    if pixels.size:
        file.write(pixels.data)


def _replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under a temporary name, flush and rename it; on failure leave nothing."""
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        with part.open("wb") as file:
            write(file)
        publish(part, path)
    finally:
        part.unlink(missing_ok=True)


def _sweep(folder: Path, named: set[str]) -> None:
    """Remove the shards that are not named, records first, and what killed runs left behind."""
    for path in _stale(folder, named):
        path.unlink(missing_ok=True)


def _stale(folder: Path, named: set[str]) -> Iterator[Path]:
    for suffix in (RECORD, PIXELS, PART):
        for path in sorted(folder.glob(f"*{suffix}")):
            if suffix == PART or path.stem not in named:
                yield path


def _digest_record(record: object) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
