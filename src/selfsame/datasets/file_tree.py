"""A tree of raw files on any filesystem that fsspec knows: listing, reading, writing, replacing."""

import hashlib
import json
import os
import platform
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

import fsspec

from selfsame.datasets.local_reading import find_place, read_below
from selfsame.datasets.stores import describe_store_error, make_folder
from selfsame.errors import CaptureError, InputError, SourceLostError
from selfsame.sources.source import RawFile

MARKER = ".selfsame-sample"  # made by this code, skipped by listings
REPLACED = "replaced"


@dataclass
class TreeDigest:
    """The number of files of a tree and an order-free digest of their paths and bytes, in constant memory.

    The digest is the sum modulo 2^256 of the SHA-256 of each path and content.
    """

    files: int = 0
    total: int = 0

    def add(self, path: str, content: bytes) -> None:
        """Count one file."""
        value = hashlib.sha256(path.encode("utf-8", "surrogateescape") + b"\0" + content).digest()
        self.files += 1
        self.total = (self.total + int.from_bytes(value, "big")) % 2**256

    def to_json(self) -> str:
        """Write as JSON."""
        return json.dumps({"files": self.files, "digest": f"{self.total:064x}"})


@dataclass(frozen=True)
class FileTree:
    """The files below one root; a `CaptureSource`. It holds no open file, so it can be pickled.

    Attributes:
        protocol: fsspec's name of the filesystem, `file` for the local one.
        path: the root without its protocol.
        storage: arguments of the filesystem.
    """

    protocol: str
    path: str
    storage: Mapping[str, object] = field(default_factory=dict, repr=False)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.protocol, self.path, self.storage)  # another machine may have it elsewhere

    @property
    def root(self) -> str:
        """The root as a person would write it."""
        return self.path if self.protocol == "file" else f"{self.protocol}://{self.path}"

    def files(self) -> Iterator[RawFile]:
        """List every file below the root in the order of its path.

        Locally, links to folders are not entered; links that leave the root, broken links, special files and
        names that are not Unicode are listed with their problem, never opened.
        """
        found = self._local_files() if self.protocol == "file" else self._remote_files()
        yield from sorted(found, key=lambda file: file.path)

    def read(self, path: str, *, at_most: int | None = None) -> bytes:
        """Read one file by its path relative to the root: whole, or its first `at_most` bytes.

        Raises:
            CaptureError: the path has become a link that leaves the root since it was listed.
            InputError: the path itself leaves the root.
            SourceLostError: the root is gone, or empty, since it was listed.
        """
        checked = _inside(path)
        try:
            if self.protocol == "file":
                return read_below(self._place, checked, at_most=at_most)
            return self._read_remote(checked, at_most)
        except OSError as error:
            if self.exists() and self.has_files():
                raise
            raise SourceLostError(
                f"expected captures in {self.root}, but the folder is gone, or empty, since its files were "
                "listed: bring it back (mount it again) and run the same command again"
            ) from error

    def _read_remote(self, path: str, at_most: int | None) -> bytes:
        """Read an object; where not even the folder can be looked at, no single capture is at fault."""
        try:
            content: bytes = self._filesystem().cat_file(self._full(path), end=at_most)
        except Exception:  # each store has errors of its own: no credentials, no answer, no package
            self._require_access()
            raise
        return content

    def _require_access(self) -> None:
        try:
            self.exists()
        except Exception as error:  # as above
            raise SourceLostError(
                f"expected to read captures in {self.root}, but {platform.node()} has no access to them "
                f"{describe_store_error(error)}"
            ) from error

    def exists(self) -> bool:
        """Tell whether the root exists."""
        if self.protocol == "file":
            return Path(self.path).is_dir()
        return bool(self._filesystem().isdir(self.path))

    def is_file(self) -> bool:
        """Tell whether there is a file where the root should be."""
        return bool(self._filesystem().isfile(self.path))

    def has_files(self) -> bool:
        """Tell whether any file is below the root, without listing them all."""
        walk = os.walk(self.path) if self.protocol == "file" else self._filesystem().walk(self.path)
        return any(name != MARKER for _, _, names in walk for name in names)

    def sibling(self, suffix: str) -> "FileTree":
        """Name a hidden folder beside the root."""
        path = PurePosixPath(self.path)
        return FileTree(self.protocol, str(path.with_name(f".{path.name}.{suffix}")), self.storage)

    def write(self, path: str, content: bytes) -> None:
        """Write one new file.

        Raises:
            InputError: the path leaves the root or is taken.
        """
        checked = _inside(path)
        if self.protocol != "file":
            self._write_remote(checked, content)
            return
        target = Path(self.path) / checked
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with target.open("xb") as file:
                file.write(content)
        except FileExistsError as error:
            raise _taken(path) from error

    def write_marker(self, digest: TreeDigest) -> None:
        """Record what the tree holds, for `require_replaceable`."""
        self.write(MARKER, digest.to_json().encode())

    def require_replaceable(self) -> None:
        """Check that the root is absent, empty, or holds exactly the bytes that its marker says.

        Raises:
            InputError: replacing it would lose files that were not made here.
        """
        if self.exists() and self.has_files() and not self._is_as_marked():
            raise InputError(
                f"expected {self.root} to be empty or to hold an unchanged synthetic sample, found other "
                "files: move them away, or write to another folder with --params=captures=PATH"
            )

    def replace_by(self, other: "FileTree") -> None:
        """Move another tree of the same filesystem to this root, in place of what is there."""
        if self.protocol != "file":
            self.remove()
            self._filesystem().mv(other.path, self.path, recursive=True)
            return
        old = self.sibling(REPLACED)
        old.remove()
        if self.exists():
            Path(self.path).rename(old.path)
        Path(other.path).rename(self.path)
        self.settle()

    def settle(self) -> None:
        """Remove what was at this root before; bring it back where an interrupted move left nothing else."""
        old = self.sibling(REPLACED)
        if self.protocol == "file" and old.exists() and not self.exists():
            Path(old.path).rename(self.path)
        old.remove()

    def remove(self) -> None:
        """Remove the root and all below it, where it exists."""
        if self.exists():
            self._filesystem().rm(self.path, recursive=True)

    def _is_as_marked(self) -> bool:
        """Compare the files with the marker; nothing is read where there is none."""
        marker = self._marker()
        if marker is None:
            return False
        digest = TreeDigest()
        try:
            for file in self.files():
                if file.problem:
                    return False
                digest.add(file.path, self.read(file.path))
        except (OSError, CaptureError):
            return False
        return digest.to_json() == marker

    def _local_files(self) -> Iterator[RawFile]:
        real_root = os.path.realpath(self.path)
        folders = [self.path]
        while folders:
            try:
                with os.scandir(folders.pop()) as scan:
                    entries = list(scan)
            except OSError as error:
                yield RawFile(_printable(self._relative(str(error.filename))), 0, "unreadable")
                continue
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name != MARKER:
                    path = self._relative(entry.path)
                    size, problem = _inspect(entry, real_root)
                    printable = _printable(path)
                    yield RawFile(printable, size, problem if printable == path else "bad_name")

    def _remote_files(self) -> Iterator[RawFile]:
        found = self._filesystem().find(self.path, detail=True)
        for full, details in found.items():
            path = self._relative(full)
            if PurePosixPath(path).name != MARKER:
                problem = None if _stays_inside(path) else "path_outside_root"
                yield RawFile(path, int(details["size"] or 0), problem)  # some stores give no size

    def _write_remote(self, path: str, content: bytes) -> None:
        filesystem, full = self._filesystem(), self._full(path)
        if filesystem.exists(full):
            raise _taken(path)
        make_folder(filesystem, self.protocol, str(PurePosixPath(full).parent))
        filesystem.pipe_file(full, content)

    def _marker(self) -> str | None:
        try:
            return self.read(MARKER).decode(errors="replace")
        except FileNotFoundError:
            return None

    @cached_property
    def _place(self) -> str:
        return find_place(self.path)

    def _filesystem(self) -> fsspec.AbstractFileSystem:
        return fsspec.filesystem(self.protocol, **self.storage)

    def _full(self, path: str) -> str:
        return f"{self.path.rstrip('/')}/{path}"

    def _relative(self, full: str) -> str:
        return full.removeprefix(self.path.rstrip("/")).lstrip("/")


def _inspect(entry: "os.DirEntry[str]", real_root: str) -> tuple[int, str | None]:
    """Measure a local file and say why it must not be read, if so."""
    try:
        status = entry.stat()
    except OSError:
        return 0, "unreadable"
    if entry.is_symlink() and not Path(os.path.realpath(entry.path)).is_relative_to(real_root):
        return status.st_size, "link_outside_root"
    if entry.is_dir():
        return 0, "link_to_folder"
    return status.st_size, None if stat.S_ISREG(status.st_mode) else "unreadable"


def _printable(path: str) -> str:
    """Write the bytes of a name that is not Unicode as escapes."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _inside(path: str) -> str:
    """Check that a relative path stays below the root."""
    if not _stays_inside(path):
        raise InputError(f"expected a relative path below the root of the captures, got {path!r}")
    return path


def _stays_inside(path: str) -> bool:
    parts = path.split("/")
    return bool(parts[0]) and ".." not in parts and any(part not in ("", ".") for part in parts)


def _taken(path: str) -> InputError:
    return InputError(f"expected every capture to have a path of its own, got {path!r} twice")
