"""The files of shards on an object store, with the pixels that were read from it kept in a local folder."""

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from io import BytesIO
from pathlib import Path, PurePosixPath

import fsspec.core
import numpy as np
from kedro.io.core import get_protocol_and_path
from numpy.typing import NDArray

from selfsame.datasets.shard_files import (
    PART,
    PIXELS,
    RECORD,
    REMEDY,
    Verification,
    first_line,
    map_pixels,
    remove_parts,
    replace_pixels,
    seal,
    unseal,
    write_pixels,
)
from selfsame.datasets.stores import describe_store_error, make_folder
from selfsame.errors import DamagedError, InputError
from selfsame.shards.arrays import Shard, ShardRecord
from selfsame.shards.making import Reach

REACHES: Mapping[str, Reach] = {"memory": "process", "file": "machine", "local": "machine"}
"""From where filesystems that are no stores can be written."""


class RemoteShards:
    """Shards on any filesystem that fsspec knows; a store publishes an object whole or not at all.

    Memory maps need local files, so the pixels of a shard are copied once to the cache, under the digest of
    their content: a name that can mean nothing else, however often the shard is made again.

    Args:
        filepath: the folder, such as `s3://bucket/arrays`.
        cache: a local folder, which may be lost at any time.
        storage: arguments of the filesystem, credentials among them.
    """

    def __init__(self, filepath: str, cache: Path, storage: Mapping[str, object]) -> None:
        self.place = filepath
        self._protocol = get_protocol_and_path(filepath)[0]
        self._path: str = fsspec.core.url_to_fs(filepath, **storage)[1]
        self._cache = cache
        self._storage = dict(storage)

    def __reduce__(self) -> tuple[object, ...]:
        return RemoteShards, (self.place, self._cache, self._storage)  # without the list of what is there

    def names(self) -> list[str]:
        """List the folder, anew."""
        self.__dict__.pop("_sizes", None)
        return sorted({name.rpartition(".")[0] for name in self._sizes if name.endswith((PIXELS, RECORD))})

    def read_record(self, name: str) -> ShardRecord:
        """Read an object."""
        path = self._full(f"{name}{RECORD}")
        try:
            return unseal(self._filesystem().cat_file(path))
        except (FileNotFoundError, ValueError) as error:
            raise DamagedError(
                f"expected the record of shard {name} at {path}, got {first_line(error)}: {REMEDY}"
            ) from None

    def map_pixels(self, name: str, record: ShardRecord, verify: Verification) -> NDArray[np.uint8]:
        """Map the copy in the cache, which is fetched where it is missing or damaged."""
        cached = self._cache / f"{record.xxh128}{PIXELS}"
        try:
            return map_pixels(cached, name, record, verify)
        except DamagedError:
            self._fetch(name, record, cached)
            return map_pixels(cached, name, record, "size")

    def require_whole(self, name: str, record: ShardRecord) -> None:
        """Compare sizes: the bytes would have to travel, and stores keep digests of their own."""
        expected, found = _count_bytes(record.shape), self._sizes.get(f"{name}{PIXELS}", 0)
        if found != expected:
            raise DamagedError(
                f"expected {expected} bytes of pixels of shard {name} in {self.place}, got {found}: {REMEDY}"
            )

    def prepare(self) -> None:
        """Make the folder, where the store has such a thing, and the cache."""
        self._cache.mkdir(parents=True, exist_ok=True)
        with self._naming_store():
            make_folder(self._filesystem(), self._protocol, self._path)

    def write(self, shard: Shard) -> None:
        """Write the pixels to the cache, and from there to the store; then the record."""
        began = time.perf_counter()
        cached = self._cache / f"{shard.record.xxh128}{PIXELS}"
        replace_pixels(cached, shard.pixels)
        with self._naming_store():
            self._filesystem().put_file(cached.as_posix(), self._full(f"{shard.name}{PIXELS}"))
            self._write_record(shard, began)

    @property
    def reach(self) -> Reach:
        """See `REACHES`."""
        return REACHES.get(self._protocol, "anywhere")

    def deliver(self, shard: Shard) -> None:
        """Write to the store alone: the worker's machine needs no copy."""
        began = time.perf_counter()
        content = BytesIO()
        write_pixels(content, shard.pixels)
        with self._naming_store():
            self._filesystem().pipe_file(self._full(f"{shard.name}{PIXELS}"), content.getvalue())
            self._write_record(shard, began)

    @contextmanager
    def _naming_store(self) -> Iterator[None]:
        """Say which store it was that could not be written, and by which machine."""
        try:
            yield
        except Exception as error:  # each store has errors of its own: no credentials, no answer, no package
            raise InputError(
                f"expected to write shards to {self.place}, but {platform.node()} cannot "
                f"{describe_store_error(error)}"
            ) from error

    def _write_record(self, shard: Shard, began: float) -> None:
        sealed = seal(shard.record, write_s=time.perf_counter() - began)
        self._filesystem().pipe_file(self._full(f"{shard.name}{RECORD}"), sealed)

    def abandon(self) -> None:
        """Leave the store alone, where nothing is there in part."""

    def settle(self, named: set[str]) -> None:
        """Remove objects, and copies of pixels that no shard has any more."""
        kept = {f"{self.read_record(name).xxh128}{PIXELS}" for name in set(self.names()) & named}
        for suffix in (RECORD, PIXELS):
            for name in sorted(self._sizes):
                if name.endswith(suffix) and name.removesuffix(suffix) not in named:
                    self._filesystem().rm_file(self._full(name))
        for path in self._cache.iterdir():
            if path.name not in kept and path.name.endswith(PIXELS):
                path.unlink(missing_ok=True)
        remove_parts(self._cache)

    def _fetch(self, name: str, record: ShardRecord, cached: Path) -> None:
        """Copy pixels to the cache under a temporary name, which becomes theirs once they are checked."""
        part = cached.with_name(f"{cached.name}.{os.getpid()}{PART}")
        try:
            cached.parent.mkdir(parents=True, exist_ok=True)
            self._filesystem().get_file(self._full(f"{name}{PIXELS}"), part.as_posix())
            self._require_content(part, name, record)
            part.replace(cached)
        except FileNotFoundError:
            raise DamagedError(
                f"expected the pixels of shard {name} in {self.place}, found none: {REMEDY}"
            ) from None
        except OSError as error:
            raise InputError(
                f"expected to copy shard {name} from {self.place} to {self._cache}, got "
                f"{error.strerror or error}: free space, or look at the connection, and run again"
            ) from error
        finally:
            part.unlink(missing_ok=True)

    def _require_content(self, part: Path, name: str, record: ShardRecord) -> None:
        """Compare a copy with its digest; altered pixels lose their record, so that they are made again."""
        try:
            map_pixels(part, name, record, "content")
        except DamagedError:
            self._filesystem().rm_file(self._full(f"{name}{RECORD}"))
            raise

    @cached_property
    def _sizes(self) -> dict[str, int]:
        """Sizes in bytes of the files, by name, as last listed."""
        filesystem = self._filesystem()
        filesystem.invalidate_cache()
        try:
            listed = filesystem.ls(self._path, detail=True)
        except FileNotFoundError:
            return {}
        return {PurePosixPath(one["name"]).name: int(one["size"] or 0) for one in listed}

    def _filesystem(self) -> fsspec.AbstractFileSystem:
        return fsspec.filesystem(self._protocol, **self._storage)

    def _full(self, name: str) -> str:
        return f"{self._path.rstrip('/')}/{name}"


def _count_bytes(shape: tuple[int, ...]) -> int:
    """Count the bytes of an array file of uint8."""
    header = BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return header.tell() + int(np.prod(shape))
