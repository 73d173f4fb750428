"""Digests beside files: whoever reads a table or a JSON result reads the bytes that were written, or is told.

Parquet and JSON readers take most altered bytes for other values. The digest of `x.parquet` is in
`x.parquet.sha256`, in the form that `sha256sum --check` reads; a file without one is read as it is.
"""

import hashlib
from pathlib import Path

from selfsame.errors import DamagedError

SUFFIX = ".sha256"
READ_AGAIN = {".parquet", ".json"}
"""Suffixes of the files that later stages read; plots, pages and exports are for people and other tools."""


def digest_path(path: Path) -> Path:
    """Name the file that holds the digest of another one."""
    return path.with_name(f"{path.name}{SUFFIX}")


def is_digested(path: Path) -> bool:
    """Tell whether a file gets a digest."""
    return path.suffix in READ_AGAIN


def describe_digest(path: Path, name: str) -> str:
    """Give the line that the digest file of a file that will be called `name` shall hold."""
    return f"{_digest(path)}  {name}\n"


def require_intact(path: Path) -> None:
    """Compare a file with its digest, where there are both.

    Raises:
        DamagedError: the file is not the one that was written.
    """
    noted = digest_path(path)
    if not (path.is_file() and noted.is_file()):
        return
    if noted.read_text(encoding="utf-8", errors="replace").split()[:1] != [_digest(path)]:
        raise DamagedError(
            f"expected {path} as it was written, got other bytes (its SHA-256 is not that in {noted.name}): "
            f"run the pipeline that makes it again; if you changed it yourself, delete {noted.name}"
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
