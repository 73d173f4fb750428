"""Embeddings of shards in files of their own, so that only those are made that are not there yet."""

import hashlib
import json
import logging
import os
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError

logger = logging.getLogger(__name__)

SUFFIX, PART = ".npz", ".part"
DAMAGE = (BadZipFile, EOFError, KeyError, OSError, ValueError)
"""What NumPy raises on files that are cut, altered (their format has checksums) or something else."""


def name_part(*contents: object) -> str:
    """Name a part by all that its embeddings follow from: 32 hexadecimal digits.

    >>> name_part("model", "shard", [0, 1]) == name_part("model", "shard", [0, 2])
    False
    """
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:32]


class EmbeddingParts:
    """The parts in one folder, each the embeddings of one shard.

    Each is written under a temporary name and renamed, so that a killed run leaves only whole ones.

    Args:
        folder: where they lie; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._named: set[str] = set()

    def read(self, name: str, shape: tuple[int, int]) -> NDArray[np.float32] | None:
        """Read the (n, d) embeddings of a part; None where there is none, or a damaged one."""
        path = self._folder / f"{name}{SUFFIX}"
        self._named.add(path.name)
        if not path.exists():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                embeddings: NDArray[np.float32] = stored["embeddings"]
        except DAMAGE as error:
            logger.warning("embeddings in %s are damaged (%s) and are made again", path.name, error)
            return None
        if embeddings.shape != shape or embeddings.dtype != np.float32:
            logger.warning("embeddings in %s are of another kind and are made again", path.name)
            return None
        return embeddings

    def write(self, name: str, embeddings: NDArray[np.float32]) -> None:
        """Write the (n, d) embeddings of a part.

        Raises:
            InputError: the folder cannot be written; finished parts are kept.
        """
        part = self._folder / f"{name}.{os.getpid()}{PART}"
        try:
            with part.open("wb") as file:
                np.savez(file, embeddings=embeddings)
            part.replace(self._folder / f"{name}{SUFFIX}")
        except OSError as error:
            raise InputError(
                f"expected to write embeddings to {self._folder}, got {error.strerror or error}: free space, "
                "or choose another data root with --params=data=PATH; finished shards are kept"
            ) from error
        finally:
            part.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what nobody has asked for: parts of other captures or models, and those of killed runs."""
        for path in self._folder.iterdir():
            if path.suffix in (SUFFIX, PART) and path.name not in self._named:
                path.unlink(missing_ok=True)
