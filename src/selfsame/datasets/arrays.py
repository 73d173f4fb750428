"""The datasets of normalised captures: shards are written one by one, atomically, and read as memory maps."""

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext, suppress
from pathlib import Path

from kedro.io import AbstractDataset

from selfsame.datasets.remote_shards import RemoteShards
from selfsame.datasets.shard_files import (
    LocalShards,
    Records,
    ShardFiles,
    Verification,
    allow_open_files,
    naming_place,
)
from selfsame.errors import DamagedError, InputError
from selfsame.shards.arrays import Shard, ShardedArrays
from selfsame.shards.making import ShardStore

logger = logging.getLogger(__name__)

Config = Mapping[str, object]


class ArraysDataset(AbstractDataset[Iterable[Shard | str], ShardedArrays]):
    """The normalised captures of one modality: `<shard>.npy` beside `<shard>.json` in one folder.

    Saving takes the shards one by one: a `Shard` is written, a name stands for a shard that is there already.
    Each file is written under a temporary name and renamed, the record last, so that a killed run leaves only
    complete shards. After the last one, shards that were not named and files of killed runs are removed.

    On an object store (`s3://`, `gs://`, `abfs://`, `memory://`) each file is an object, and the pixels that
    are loaded are copied to `cache` once, because memory maps need local files.

    Args:
        filepath: the folder.
        verify: what a load checks of each shard: the `size` of its files, or its whole `content`, by digest.
        cache: a local folder for what is loaded from an object store; not used otherwise.
        credentials: of the store's filesystem.
        fs_args: further arguments of it.
        metadata: for Kedro's plug-ins.
    """

    def __init__(
        self,
        *,
        filepath: str,
        verify: Verification = "content",
        cache: str | None = None,
        credentials: Config | None = None,
        fs_args: Config | None = None,
        metadata: Config | None = None,
    ) -> None:
        self._files = _open_files(filepath, cache, {**(credentials or {}), **(fs_args or {})})
        self._verify = verify
        self.metadata = metadata

    def load(self) -> ShardedArrays:
        """Map every shard of the folder.

        Raises:
            DamagedError: if there is no shard, or if one is incomplete or altered.
        """
        files, names = self._files, self._files.names()
        if not names:
            raise DamagedError(
                f"expected shards of normalised captures in {files.place}, found none: run preprocessing"
            )
        allow_open_files(len(names))
        pixels = {name: files.map_pixels(name, files.read_record(name), self._verify) for name in names}
        return ShardedArrays(pixels, Records(files, names))

    def save(self, data: Iterable[Shard | str]) -> None:
        """Write shards as they come; then remove what is no longer named.

        What goes wrong while a shard is made is raised as it is.

        Raises:
            InputError: if the folder cannot be written.
            DamagedError: if a shard that was named is not there.
        """
        named = set()
        with naming_place(self._files.place):
            self._files.prepare()
        try:
            with _write_behind(self._files) as write, _closing(data):
                for item in data:
                    if isinstance(item, Shard):
                        write(item)
                    named.add(item.name if isinstance(item, Shard) else item)
        except BaseException:
            with suppress(OSError):  # what is being raised says more
                self._files.abandon()
            raise
        with naming_place(self._files.place):
            self._files.settle(named)
        if lost := sorted(named - set(self._files.names())):
            raise DamagedError(
                f"expected {len(named)} shards in {self._files.place}, but {len(lost)} are not there (first "
                f"{lost[0]}): see where the workers write, and run preprocessing again"
            )

    def _exists(self) -> bool:
        return bool(self._files.names())

    def _describe(self) -> dict[str, object]:
        return {"filepath": self._files.place, "verify": self._verify}


def _closing(data: Iterable[Shard | str]) -> AbstractContextManager[object]:
    """End what makes shards as soon as they cannot be written, with its workers."""
    return closing(data) if isinstance(data, Generator) else nullcontext()


class MadeShardsDataset(AbstractDataset[None, ShardStore]):
    """The shards of a folder that need not be made again: complete, unaltered and not provisional.

    A folder that does not exist yet has none. On an object store the sizes of pixels are compared, not their
    bytes. What is loaded can also write, for workers that make the other shards; the `ArraysDataset` of the
    same folder takes their names and settles it.

    Args:
        filepath: the folder of an `ArraysDataset`, and its other arguments.
    """

    def __init__(
        self,
        *,
        filepath: str,
        cache: str | None = None,
        credentials: Config | None = None,
        fs_args: Config | None = None,
        metadata: Config | None = None,
    ) -> None:
        self._files = _open_files(filepath, cache, {**(credentials or {}), **(fs_args or {})})
        self.metadata = metadata

    def load(self) -> ShardStore:
        """Check every shard of the folder, whole."""
        made = frozenset(name for name in self._files.names() if self._is_made(name))
        return ShardStore(made, self._files)

    def save(self, data: None) -> None:
        """Refuse: shards are written through `ArraysDataset`.

        Raises:
            InputError: always.
        """
        raise InputError("expected shards to be saved through an ArraysDataset, got its read-only list")

    def _is_made(self, name: str) -> bool:
        try:
            record = self._files.read_record(name)
            self._files.require_whole(name, record)
        except DamagedError as error:
            logger.warning("%s", error)
            return False
        return not record.provisional

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, object]:
        return {"filepath": self._files.place}


def _open_files(filepath: str, cache: str | None, storage: Config) -> ShardFiles:
    """Open a local folder, or one of an object store."""
    if "://" not in filepath:
        return LocalShards(Path(filepath))
    if cache is None or "://" in cache:
        raise InputError(
            f"expected a local folder as the cache of the arrays at {filepath}, got {cache}: memory maps "
            "need local files; set a local data root, or cache in the catalog"
        )
    return RemoteShards(filepath, Path(cache), storage)


@contextmanager
def _write_behind(files: ShardFiles) -> Iterator[Callable[[Shard], None]]:
    """Write shards in a thread, one at a time: while the disk takes one, the next is made.

    What goes wrong with a shard is raised when the next one is handed over, or at the end.
    """
    last: Future[None] | None = None
    with ThreadPoolExecutor(1) as writer:

        def write(shard: Shard) -> None:
            nonlocal last
            if last:
                last.result()
            last = writer.submit(_write, files, shard)

        yield write
        if last:
            last.result()


def _write(files: ShardFiles, shard: Shard) -> None:
    with naming_place(files.place):
        files.write(shard)
