"""Faces that come as one file or through scikit-learn, as sources of captures: each face is a virtual PNG.

Both hold the same 400 pictures of 40 people by AT&T Laboratories Cambridge, cropped and reduced to 64x64 by
S. Roweis, in the order of person (F. Samaria, A. Harter, Parameterisation of a stochastic model for human
face identification, 1994).
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.imaging.png import encode_png
from selfsame.sources.source import RawFile

SKLEARN = "sklearn:olivetti"
"""The name by which scikit-learn is asked to fetch the faces, in place of a path."""

SUFFIX = ".mat"
SIDE_PX = 64
CAPTURES_EACH = 10
WHITE = 255

# What SciPy's reader raises on damaged files, beside its own error.
_DAMAGE = (ValueError, TypeError, LookupError, OSError, NotImplementedError, OverflowError, MemoryError)

Faces = NDArray[np.uint8]
"""(n, 64, 64) grey levels, ten of each person in turn."""


@dataclass(frozen=True)
class FaceArchive:
    """Faces read at once, handed out as files `s<person>/<capture>.png`; a `CaptureSource`.

    Attributes:
        root: the path or name that the faces come from.
        read_faces: what reads them all.
    """

    root: str
    read_faces: Callable[[str], Faces]

    def files(self) -> Iterator[RawFile]:
        """List every face in the order of its path."""
        for path in sorted(self._contents):
            yield RawFile(path, len(self._contents[path]))

    def read(self, path: str, *, at_most: int | None = None) -> bytes:
        """Read one face as a PNG, whole or its first bytes.

        Raises:
            FileNotFoundError: there is no such face.
        """
        if path not in self._contents:
            raise FileNotFoundError(path)
        return self._contents[path][:at_most]

    def __getstate__(self) -> dict[str, object]:
        """Leave out what was read: another process reads for itself."""
        return {"root": self.root, "read_faces": self.read_faces}

    @cached_property
    def _contents(self) -> dict[str, bytes]:
        return {
            f"s{1 + row // CAPTURES_EACH}/{1 + row % CAPTURES_EACH}.png": encode_png(face)
            for row, face in enumerate(self.read_faces(self.root))
        }


def open_archive(path: str) -> FaceArchive | None:
    """Open faces that are no folder: a file that ends in .mat, or `sklearn:olivetti`; else None.

    Nothing is read yet. Kedro makes a relative path absolute, so that scikit-learn's name may have folders
    before it.

    Raises:
        InputError: a .mat file does not exist.
    """
    name = PurePosixPath(path).name
    if name == SKLEARN:
        return FaceArchive(SKLEARN, fetch_faces)
    if not name.lower().endswith(SUFFIX) or Path(path).is_dir():
        return None
    if not Path(path).is_file():
        raise InputError(
            f"expected a file of faces at {path}, found nothing: put olivettifaces.mat there, or give its "
            "place with --params=captures=PATH"
        )
    return FaceArchive(path, read_matlab_faces)


def read_matlab_faces(path: str) -> Faces:
    """Read olivettifaces.mat: `faces`, 4096 x 400, a column a face, each column by column.

    Raises:
        InputError: the file is no such file.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    expected = f"expected {path} to hold 'faces', {SIDE_PX**2} rows and ten columns a person"
    try:
        found = loadmat(path, variable_names=["faces"]).get("faces")
    except (MatReadError, zlib.error, *_DAMAGE) as error:
        raise InputError(f"{expected}, but it cannot be read ({_first_line(error)}): get it anew") from error
    if not isinstance(found, np.ndarray) or found.dtype.kind not in "uif":
        raise InputError(f"{expected}, found no such numbers: give olivettifaces.mat")
    if found.ndim != 2 or len(found) != SIDE_PX**2 or not found.shape[1] or found.shape[1] % CAPTURES_EACH:
        raise InputError(f"{expected}, got {found.shape}: give olivettifaces.mat")
    faces = found.T.reshape(-1, SIDE_PX, SIDE_PX).transpose(0, 2, 1)
    return np.ascontiguousarray(np.clip(faces, 0, WHITE).astype(np.uint8))


def fetch_faces(_name: str) -> Faces:
    """Fetch the faces with scikit-learn, which keeps them in its own folder for the next time.

    Raises:
        InputError: there is neither a network nor a kept copy.
    """
    from sklearn.datasets import fetch_olivetti_faces

    try:
        bunch = fetch_olivetti_faces(n_retries=1)
    except OSError as error:
        raise InputError(
            f"expected scikit-learn to fetch the Olivetti faces, but {_first_line(error)}: connect to the "
            "network, or give a folder of AT&T faces or olivettifaces.mat with --params=captures=PATH"
        ) from error
    return np.asarray(np.rint(bunch.images * WHITE), np.uint8)


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
