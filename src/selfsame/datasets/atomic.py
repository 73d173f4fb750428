"""Files that appear whole or not at all, whatever kedro-datasets type writes them."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import cast

import fsspec
from kedro.io.core import AbstractDataset, DatasetError, get_protocol_and_path

from selfsame.datasets.digests import describe_digest, digest_path, is_digested, require_intact
from selfsame.datasets.stores import make_folder
from selfsame.errors import DamagedError, InputError

Config = Mapping[str, object]


class AtomicDataset(AbstractDataset[object, object]):
    """Wrap a single-file dataset so that its file is complete whenever it can be seen.

    A local file is written under a hidden name in the same folder, flushed to the disk and renamed. On any
    other filesystem it is written to a local temporary folder and uploaded as one object, which object stores
    publish whole. A reader sees the previous file or the new one; a failure leaves the previous one and no
    other trace, and what killed processes left in the folder is removed by the next save there.

    Beside a local Parquet or JSON file lies its digest, and no byte is used that differs from those written:
    see `selfsame.datasets.digests`. Object stores keep digests of their own.

    In the catalog, `dataset` says the type and its arguments, without the file path:

        type: selfsame.datasets.atomic.AtomicDataset
        filepath: ${_data}/02_intermediate/{workload}/manifest.parquet
        dataset: {type: pandas.ParquetDataset, save_args: {index: false}}

    Args:
        filepath: where the file is.
        dataset: the wrapped dataset's configuration; it must write one file and may not be versioned.
        credentials: of the filesystem.
        fs_args: further arguments of the filesystem.
        metadata: for Kedro-Viz.
    """

    def __init__(
        self,
        *,
        filepath: str,
        dataset: Config,
        credentials: Config | None = None,
        fs_args: Config | None = None,
        metadata: Config | None = None,
    ) -> None:
        if dataset.get("versioned"):
            raise InputError(f"expected an unversioned dataset inside AtomicDataset, got {dict(dataset)}")
        self._filepath = filepath
        self._protocol, self._path = get_protocol_and_path(filepath)
        self._config = dict(dataset)
        self._storage = {**(credentials or {}), **(fs_args or {})}
        self.metadata = metadata
        extra = {"credentials": dict(credentials)} if credentials else {}
        extra |= {"fs_args": dict(fs_args)} if fs_args else {}
        self._dataset = self._wrapped(filepath, extra)
        if hasattr(self._dataset, "preview"):
            self.preview = self._dataset.preview

    def load(self) -> object:
        """Load with the wrapped dataset.

        Raises:
            DamagedError: the file is not what was written, or cannot be read as what it should be.
        """
        if self._protocol == "file":
            require_intact(Path(self._path))
        try:
            return self._dataset.load()
        except DatasetError as error:
            if isinstance(error.__cause__, FileNotFoundError) or not self._dataset.exists():
                raise
            raise _unreadable(self._filepath, error.__cause__ or error) from error

    def save(self, data: object) -> None:
        """Save with the wrapped dataset under another name, then rename.

        Raises:
            InputError: the folder cannot be written.
        """
        try:
            if self._protocol == "file":
                self._save_local(data)
            else:
                self._upload(data)
        except OSError as error:
            raise _unwritable(self._filepath, error) from error
        except DatasetError as error:
            if isinstance(error.__cause__, OSError):
                raise _unwritable(self._filepath, error.__cause__) from error
            raise

    def _save_local(self, data: object) -> None:
        target = Path(self._path)
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in find_leftovers(target.parent):
            if leftover.is_file():
                leftover.unlink(missing_ok=True)
        partial, digest = partial_path(target), digest_path(target)
        try:
            self._wrapped(partial.as_posix(), {}).save(data)
            line = describe_digest(partial, target.name) if is_digested(target) else ""
            digest.unlink(missing_ok=True)
            publish(partial, target)
            if line:
                _publish_text(line, digest)
        finally:
            partial.unlink(missing_ok=True)

    def _upload(self, data: object) -> None:
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder) / PurePosixPath(self._path).name
            self._wrapped(local.as_posix(), {}).save(data)
            filesystem = fsspec.filesystem(self._protocol, **self._storage)
            make_folder(filesystem, self._protocol, str(PurePosixPath(self._path).parent))
            filesystem.put_file(local.as_posix(), self._path)

    def _wrapped(self, filepath: str, extra: Config) -> AbstractDataset[object, object]:
        config = {**self._config, **extra, "filepath": filepath}
        return cast(AbstractDataset[object, object], AbstractDataset.from_config("wrapped", config))

    def _exists(self) -> bool:
        return bool(self._dataset.exists())

    def _release(self) -> None:
        self._dataset.release()

    def _describe(self) -> dict[str, object]:
        return {"filepath": self._filepath, "dataset": self._config.get("type")}


def partial_path(target: Path) -> Path:
    """Name the hidden file in the target's folder that this process writes first; the suffix stays."""
    return target.with_name(f".{target.stem}.{os.getpid()}.partial{target.suffix}")


def publish(partial: Path, target: Path) -> None:
    """Rename a finished file of the same folder to its final name, so that even a power cut leaves it whole.

    The bytes reach the disk before the name does: else a cut could leave the name with nothing behind it.
    """
    flush(partial)
    partial.replace(target)
    flush(target.parent)


def _publish_text(text: str, target: Path) -> None:
    """Write a small file, whole or not at all; after a power cut it may be missing."""
    partial = partial_path(target)
    try:
        partial.write_text(text, encoding="utf-8")
        flush(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def flush(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def find_leftovers(folder: Path) -> Iterator[Path]:
    """Find the partial files and folders in a folder whose processes are gone, whatever their target."""
    for path in folder.glob(".*.partial*"):
        number = path.name.partition(".partial")[0].rpartition(".")[2]
        if number.isdigit() and not runs(int(number)):
            yield path


def runs(process: int) -> bool:
    """Tell whether there is a process of this number on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _unwritable(filepath: str, error: OSError) -> InputError:
    return InputError(
        f"expected to write {filepath}, but {error.strerror or error}: check the folder's permissions and "
        "free space, or choose another data root with --params=data=PATH"
    )


def _unreadable(filepath: str, error: BaseException) -> DamagedError:
    said = (str(error).splitlines() or [type(error).__name__])[0]
    return DamagedError(
        f"expected to read {filepath}, got a damaged file ({said}): run the pipeline that makes it again"
    )
