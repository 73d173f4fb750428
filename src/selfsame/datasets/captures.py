"""The dataset of raw captures: a tree of files, listed and read lazily, written as a whole."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypedDict

import fsspec.core
from kedro.io.core import AbstractDataset, get_protocol_and_path

from selfsame.datasets.file_tree import FileTree, TreeDigest
from selfsame.errors import InputError
from selfsame.sources.face_archives import open_archive
from selfsame.sources.source import CaptureSource

logger = logging.getLogger(__name__)

KNOWN, NEW = "captures", "new_captures"
"""The settings of the roots; the second is also the folder beside the first."""

Config = Mapping[str, object]


class NewCaptures(TypedDict):
    """Where new captures are, or None: Kedro makes what is called `path` absolute, as it does `filepath`."""

    path: str | None


class CapturesDataset(AbstractDataset[Iterator[tuple[str, bytes]], CaptureSource]):
    """Load a folder of captures as a `FileTree`, or an archive of faces; save files as a whole folder.

    What is saved are pairs of relative path and bytes.

    Saving streams into a partial folder beside the target and renames it at the end, so that the folder is
    complete whenever it can be seen (on object stores, which cannot rename, it is moved file by file). A
    hidden marker inside records what was written: only a folder that holds exactly this, or nothing, is
    replaced.

    Args:
        filepath: the root of the tree (`s3://`, `gs://`, `abfs://`, `memory://` or local).
        new: None, or that the dataset is that of new captures, where `filepath` holds those that are known:
            they are in `path`, or where that is None in the folder `new_captures` beside `filepath` (which is
            written, and read where it exists), else in `filepath` itself.
        credentials: of the filesystem.
        fs_args: further arguments of the filesystem.
        metadata: for Kedro-Viz.
    """

    def __init__(
        self,
        *,
        filepath: str,
        new: NewCaptures | None = None,
        credentials: Config | None = None,
        fs_args: Config | None = None,
        metadata: Config | None = None,
    ) -> None:
        self._known = filepath
        self._neighbour = f"{filepath.rstrip('/').rpartition('/')[0]}/{NEW}"
        self._filepath = filepath if new is None else new["path"]
        self._setting = KNOWN if new is None else NEW
        self._announced = False
        self._storage = {**(credentials or {}), **(fs_args or {})}
        self.metadata = metadata

    def load(self) -> CaptureSource:
        """Open the tree; files are listed and read when they are asked for.

        Raises:
            InputError: the folder does not exist or holds no file.
        """
        chosen = self._chosen()
        archive = open_archive(chosen)
        if archive is not None:
            return archive
        tree = self._tree(chosen)
        if self._filepath is None and not self._announced:
            logger.info("%s: using %s", self._setting, tree.root)
            self._announced = True
        setting = KNOWN if chosen == self._known else self._setting
        remedy = f"put captures there, or give --params={setting}=PATH"
        if not tree.exists():
            found = "a file" if tree.is_file() else "nothing"
            raise InputError(f"expected a folder of captures at {tree.root}, found {found}: {remedy}")
        if not tree.has_files():
            raise InputError(f"expected captures in {tree.root}, found no file: {remedy}")
        return tree

    def save(self, data: Iterator[tuple[str, bytes]]) -> None:
        """Write the whole tree from a stream of (relative path, bytes).

        Raises:
            InputError: a path leaves the root or comes twice, nothing was given, the folder cannot be
                written, or it holds files that were not written by this dataset.
        """
        tree = self._tree(self._neighbour if self._filepath is None else self._filepath)
        tree.require_replaceable()
        partial = tree.sibling("partial")
        partial.remove()
        try:
            digest = TreeDigest()
            for path, content in data:
                with _naming_root(tree):
                    partial.write(path, content)
                digest.add(path, content)
            if not digest.files:
                raise InputError(f"expected captures to write to {tree.root}, got none")
            with _naming_root(tree):
                partial.write_marker(digest)
                tree.replace_by(partial)
        finally:
            partial.remove()
            tree.settle()

    def _chosen(self) -> str:
        if self._filepath is not None:
            return self._filepath
        return self._neighbour if self._tree(self._neighbour).exists() else self._known

    def _tree(self, root: str) -> FileTree:
        protocol = get_protocol_and_path(root)[0]
        path = fsspec.core.url_to_fs(root, **self._storage)[1]
        return FileTree(protocol, path.rstrip("/") or "/", self._storage)

    def _exists(self) -> bool:
        chosen = self._chosen()
        return self._tree(chosen).exists() or open_archive(chosen) is not None

    def _describe(self) -> dict[str, object]:
        return {"filepath": self._filepath or self._neighbour, "captures": self._known}


@contextmanager
def _naming_root(tree: FileTree) -> Iterator[None]:
    """Say where it was that something could not be written."""
    try:
        yield
    except OSError as error:
        raise InputError(
            f"expected to write captures to {tree.root}, but {error.strerror or error}: "
            "check its permissions and free space"
        ) from error
