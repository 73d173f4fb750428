"""The files of shards: written whole, checked when they are read, memory-mapped; in one local folder."""

import errno
import hashlib
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from tokenize import TokenError
from typing import BinaryIO, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from selfsame.datasets.atomic import runs
from selfsame.errors import DamagedError, InputError
from selfsame.shards.arrays import Shard, ShardRecord
from selfsame.shards.checksums import checksum_of
from selfsame.shards.making import Reach

PIXELS, RECORD, PART = ".npy", ".json", ".part"
PIECE = 1 << 18
"""Bytes that are digested at a time: a core's own cache holds them."""

REMEDY = "run preprocessing again: it makes what is damaged or missing and keeps the rest"

Verification = Literal["size", "content"]


class ShardFiles(Protocol):
    """Where shards are kept: the pixels of each, `<shard>.npy`, beside its record, `<shard>.json`."""

    @property
    def place(self) -> str:
        """Where that is, for messages."""
        ...

    def names(self) -> list[str]:
        """Name the shards: those with either of their two files, so that a lost one is noticed."""
        ...

    def read_record(self, name: str) -> ShardRecord:
        """Read what a shard holds, or raise `DamagedError`."""
        ...

    def map_pixels(self, name: str, record: ShardRecord, verify: Verification) -> NDArray[np.uint8]:
        """Map the pixels of a shard, checked against its record, or raise `DamagedError`."""
        ...

    def require_whole(self, name: str, record: ShardRecord) -> None:
        """Check that the pixels are there as they were written, or raise `DamagedError`."""
        ...

    def prepare(self) -> None:
        """Make what is written to."""
        ...

    def write(self, shard: Shard) -> None:
        """Write the pixels, then the record that makes them count."""
        ...

    @property
    def reach(self) -> Reach:
        """From where `deliver` can be called."""
        ...

    def deliver(self, shard: Shard) -> None:
        """Write as `write` does, but as a worker, perhaps of another machine, or raise `InputError`."""
        ...

    def abandon(self) -> None:
        """Remove what workers were writing when they were ended."""
        ...

    def settle(self, named: set[str]) -> None:
        """Remove the shards that are not named, records first, and what killed runs left behind."""
        ...


class Records(Mapping[str, ShardRecord]):
    """The records of shards, each read when it is asked for: there is an entry a capture in them."""

    def __init__(self, files: ShardFiles, names: list[str]) -> None:
        self._files = files
        self._names = dict.fromkeys(names)

    def __getitem__(self, name: str) -> ShardRecord:
        if name not in self._names:
            raise KeyError(name)
        return self._files.read_record(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


class LocalShards:
    """Shards in a local folder.

    Args:
        folder: it need not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def place(self) -> str:
        """See `ShardFiles`, as for all others."""
        return str(self._folder)

    def names(self) -> list[str]:
        """List the folder."""
        if not self._folder.is_dir():
            return []
        return sorted({path.stem for path in self._folder.iterdir() if path.suffix in (PIXELS, RECORD)})

    def read_record(self, name: str) -> ShardRecord:
        """Read a file."""
        path = self._folder / f"{name}{RECORD}"
        try:
            return unseal(path.read_bytes())
        except (OSError, ValueError) as error:
            raise DamagedError(
                f"expected the record of shard {name} at {path}, got {first_line(error)}: {REMEDY}"
            ) from None

    def map_pixels(self, name: str, record: ShardRecord, verify: Verification) -> NDArray[np.uint8]:
        """Map a file."""
        return map_pixels(self._folder / f"{name}{PIXELS}", name, record, verify)

    def require_whole(self, name: str, record: ShardRecord) -> None:
        """Read every pixel."""
        self.map_pixels(name, record, "content")

    def prepare(self) -> None:
        """Make the folder."""
        self._folder.mkdir(parents=True, exist_ok=True)

    def write(self, shard: Shard) -> None:
        """Write two files."""
        began = time.perf_counter()
        replace_pixels(self._folder / f"{shard.name}{PIXELS}", shard.pixels)
        sealed = seal(shard.record, write_s=time.perf_counter() - began)
        replace(self._folder / f"{shard.name}{RECORD}", lambda file: file.write(sealed))

    @property
    def reach(self) -> Reach:
        """Another machine has another folder of this name."""
        return "machine"

    def deliver(self, shard: Shard) -> None:
        """Write two files, as everybody does."""
        with naming_place(self.place):
            self.write(shard)

    def abandon(self) -> None:
        """See `remove_parts`."""
        remove_parts(self._folder)

    def settle(self, named: set[str]) -> None:
        """Remove files."""
        for name in sorted(set(self.names()) - named):
            for suffix in (RECORD, PIXELS):
                (self._folder / f"{name}{suffix}").unlink(missing_ok=True)
        remove_parts(self._folder)


def remove_parts(folder: Path) -> None:
    """Remove partial files of processes that are gone: another run may write to the same folder."""
    for path in folder.glob(f"*{PART}"):
        number = path.name.removesuffix(PART).rpartition(".")[2]
        if not (number.isdigit() and runs(int(number))):
            path.unlink(missing_ok=True)


@contextmanager
def naming_place(place: str) -> Iterator[None]:
    """Say where it was that something could not be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"expected a folder that can be written, got {error.strerror or error} at {place}: free space, "
            "correct its permissions or choose another data root; finished shards are kept"
        ) from error


def allow_open_files(more: int) -> None:
    """Raise this process's own limit of open files by so many, as far as the system lets it.

    A file too many is told when it is opened (see `map_pixels`).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY:
        wanted = soft + more if hard == resource.RLIM_INFINITY else min(soft + more, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def map_pixels(path: Path, name: str, record: ShardRecord, verify: Verification) -> NDArray[np.uint8]:
    """Map the pixels of a shard, after they were compared with its record.

    Raises:
        DamagedError: the file is missing, cut or altered.
        InputError: the system allows no more open files.
    """
    try:
        pixels = _map(path)
    except (OSError, ValueError, EOFError) as error:
        if isinstance(error, OSError) and error.errno == errno.EMFILE:
            raise InputError(
                "expected to hold a file open for every shard, but the system allows no more: raise the "
                "limit (ulimit -n), or make fewer shards with a larger rows_per_shard"
            ) from error
        raise DamagedError(
            f"expected the pixels of shard {name} at {path}, got {first_line(error)}: {REMEDY}"
        ) from None
    if pixels.shape != record.shape or pixels.dtype != np.uint8 or not pixels.flags.c_contiguous:
        raise DamagedError(
            f"expected {record.shape} uint8 in shard {name}, got {pixels.shape} {pixels.dtype}: {REMEDY}"
        )
    if verify == "content" and _checksum_file(path, pixels.nbytes) != record.xxh128:
        raise DamagedError(
            f"expected pixels of checksum {record.xxh128} in shard {name}, got others: {REMEDY}"
        )
    return pixels


def _checksum_file(path: Path, size: int) -> str:
    """Check the last bytes of a file, its pixels, without mapping them: mapped pages count as memory."""
    with path.open("rb", buffering=0) as file:
        file.seek(-size, os.SEEK_END)
        return checksum_of(_read_pieces(file))


def _read_pieces(file: FileIO) -> Iterator[memoryview]:
    """Read the rest of a file piece by piece; each is over when the next one comes."""
    piece = memoryview(bytearray(PIECE))
    while read := file.readinto(piece):
        yield piece[:read]


def _map(path: Path) -> NDArray[np.uint8]:
    """Map an array file, which must have the size that its header declares."""
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("another version of the npy format")
        try:
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        except TokenError as error:
            raise ValueError(f"a header that is no npy header ({error})") from None
        declared = file.tell() + int(np.prod(shape)) * dtype.itemsize
    size = path.stat().st_size
    if size != declared:
        raise ValueError(f"{size} bytes where its header declares {declared}")
    if 0 in shape:  # nothing to map
        return np.empty(shape, dtype=dtype)
    return np.load(path, mmap_mode="r", allow_pickle=False)


def replace_pixels(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write C-contiguous pixels as an array file, whole or not at all."""
    replace(path, lambda file: write_pixels(file, pixels))


def replace(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write a file under a temporary name and rename it; on failure leave nothing.

    Nobody waits for the disk, which costs more than making a print: what a power cut takes of a shard its
    checksum shows, and it is made again.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}{PART}")
    try:
        with part.open("wb") as file:
            write(file)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def seal(record: ShardRecord, *, write_s: float) -> bytes:
    """Write a record, with the time that writing the pixels took, as JSON with its digest before it."""
    seconds = {**record.seconds, "write": round(write_s, 6)}
    return _enclose(record.model_copy(update={"seconds": seconds}).model_dump_json().encode())


def unseal(document: bytes) -> ShardRecord:
    """Read what `seal` wrote.

    Raises:
        ValueError: it is something else.
    """
    record = document[len(_enclose(b"")) - 2 : -2]
    if document != _enclose(record):
        raise ValueError("its digest differs")
    return ShardRecord.model_validate_json(record)


def first_line(error: Exception) -> str:
    """Say an error in one line."""
    return (str(error).splitlines() or [type(error).__name__])[0]


def write_pixels(file: BinaryIO, pixels: NDArray[np.uint8]) -> None:
    """Write an array as .npy; numpy's own writing does not say that the disk is full."""
    np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(pixels))
    if pixels.size:
        file.write(pixels.data)


def _enclose(record: bytes) -> bytes:
    return b'{"sha256": "%s", "record": %s}\n' % (hashlib.sha256(record).hexdigest().encode(), record)
