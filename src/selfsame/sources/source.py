"""What a source of captures is: a tree of files that can be listed and read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RawFile:
    """One file of a source.

    Attributes:
        path: relative to the source's root, with forward slashes.
        size: in bytes.
        problem: why the file must not be read (such as `link_outside_root`), or None.
    """

    path: str
    size: int
    problem: str | None = None


class CaptureSource(Protocol):
    """A tree of raw files. It can be pickled, so that worker processes read through it."""

    @property
    def root(self) -> str:
        """Where the tree is, for messages."""
        ...

    def files(self) -> Iterator[RawFile]:
        """List every file below the root in the order of its path."""
        ...

    def read(self, path: str, *, at_most: int | None = None) -> bytes:
        """Read one file by its path relative to the root: whole, or its first `at_most` bytes."""
        ...
