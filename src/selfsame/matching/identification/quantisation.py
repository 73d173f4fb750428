"""Unit vectors in smaller types."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.matching.identification.block_scores import CACHED_ROWS, MOST_STEPS, Rows, to_float32

RowType = Literal["float32", "float16", "int8"]


def quantise(vectors: Rows, row_type: RowType) -> tuple[Rows, float]:
    """Store unit vectors in a smaller type: the rows and the scale of a `Gallery`.

    int8 has one step for all, the largest value over 127: an unusually large value of one vector costs all of
    them precision. A vector is then off by a length of about `scale * sqrt(d / 12)`, and no score by more
    than `scale * sqrt(d) / 2`.

    Args:
        vectors: (n, d) float32 or float16; a memory map is read block by block.
        row_type: the type to store.

    Raises:
        InputError: a value is not finite.
    """
    firsts = range(0, len(vectors), CACHED_ROWS)
    largest = float(np.max([np.abs(vectors[i : i + CACHED_ROWS]).max() for i in firsts], initial=0)) or 1.0
    if not np.isfinite(largest):
        raise InputError("expected finite vectors, but some are not: leave out what was not acquired")
    scale = largest / MOST_STEPS if row_type == "int8" else 1.0
    rows = np.empty(vectors.shape, dtype=row_type)
    held = np.empty((CACHED_ROWS, vectors.shape[1]), dtype=np.float32)
    for i in firsts:
        part = rows[i : i + CACHED_ROWS]
        block = to_float32(vectors[i : i + CACHED_ROWS], held[: len(part)])
        part[:] = np.rint(block / np.float32(scale)) if row_type == "int8" else block
    return rows, scale


@dataclass(frozen=True)
class Sketch:
    """A copy in int8 of the float rows of a gallery, which a search reads first: a quarter more memory.

    The answers stay those of the rows that it was made of. It belongs to these rows and to no others: after a
    change of the rows make it again.

    Attributes:
        rows: (n, d) int8.
        scale: the value of one step.
        error: the largest length of what rounding has taken off a row.
    """

    rows: NDArray[np.int8]
    scale: float
    error: float

    @classmethod
    def of(cls, vectors: Rows) -> "Sketch":
        """Make the sketch of (n, d) unit vectors in float32 or float16.

        Raises:
            InputError: a value is not finite.
        """
        rows, scale = quantise(vectors, "int8")
        error = 0.0
        held = np.empty((CACHED_ROWS, vectors.shape[1]), dtype=np.float32)
        for i in range(0, len(vectors), CACHED_ROWS):
            part = rows[i : i + CACHED_ROWS]
            off = to_float32(vectors[i : i + CACHED_ROWS], held[: len(part)]) - part * np.float32(scale)
            error = max(error, float(np.sqrt(np.vecdot(off, off).max())))
        return cls(rows.astype(np.int8, copy=False), scale, error * (1 + 1e-3) + 1e-6)
