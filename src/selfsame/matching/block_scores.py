"""The fastest scores of a block of gallery rows against probes, each with a bound of its error.

What is fast on a CPU was measured (benchmarks/search.py). A few probes: one scalar product after the other,
which reads memory as fast as a sum does, where a matrix-vector product does not. Many probes: a matrix
product. float16: blocks converted within the cache. int8: products of integers, which are exact.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Rows = NDArray[np.number]
"""(n, d) float32, float16 or int8."""

FEW_PROBES = 8
"""Up to so many probes scalar products are faster than a matrix product."""

CACHED_ROWS = 1024
"""Rows that are converted at once: 1 MiB of 256 float32."""

UNIT_ROUNDOFF = 2.0**-24  # of float32
SLACK = 8 * UNIT_ROUNDOFF
"""For the roundings beside the sum: of the score that is handed out, of the limit, and of the scale."""

MOST_STEPS = 127
"""The largest value that is stored in int8; -128 is left out, so that the steps are symmetric."""


@dataclass(frozen=True)
class FloatScores:
    """Scores in float32, whatever the type of the rows.

    Attributes:
        probes: (p, d) float32.
        unit: (1,) the scale of the rows.
        bound: (p,) how far `unit` times a score may be from the true one.
    """

    probes: NDArray[np.float32]
    unit: NDArray[np.float64]
    bound: NDArray[np.float64]

    @classmethod
    def of(cls, probes: NDArray[np.float32], scale: float, longest: float) -> "FloatScores":
        """Take (p, d) unit probes, for rows of one scale, times which none is longer than `longest`."""
        summed = probes.shape[1] * UNIT_ROUNDOFF
        bound = np.full(len(probes), longest * summed / (1 - summed) + SLACK)
        return cls(probes, np.array([scale]), bound)

    def score(self, rows: Rows) -> NDArray[np.float32]:
        """Score (b, d) rows: (b, p)."""
        if rows.dtype == np.float32:
            return self._multiply(np.asarray(rows, dtype=np.float32))
        scores = np.empty((len(rows), len(self.probes)), dtype=np.float32)
        held = np.empty((CACHED_ROWS, rows.shape[1]), dtype=np.float32)
        for first in range(0, len(rows), CACHED_ROWS):
            part = rows[first : first + CACHED_ROWS]
            converted = to_float32(part, held[: len(part)])
            scores[first : first + CACHED_ROWS] = self._multiply(converted)
        return scores

    def limits(self, least: NDArray[np.float64]) -> NDArray[np.float32]:
        """Give the (p,) score that every row reaches whose true score is no less than `least`."""
        return ((least - self.bound) / self.unit).astype(np.float32)

    def _multiply(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(self.probes) > FEW_PROBES:
            return rows @ self.probes.T
        return np.vecdot(rows[:, None, :], self.probes[None])


@dataclass(frozen=True)
class IntegerScores:
    """Scores of int8 rows against probes that are rounded to int8 too, each probe with its own step.

    The products of integers are exact: what a score is off by is the rounded part of the probe times the row,
    and the probe times the rounded part of the row; neither is more than the product of their lengths.

    Attributes:
        probes: (p, d) int8.
        unit: (p,) the scale of the rows times the step of the probe.
        bound: (p,) how far `unit` times a score may be from the true one.
    """

    probes: NDArray[np.int8]
    unit: NDArray[np.float64]
    bound: NDArray[np.float64]

    @classmethod
    def of(cls, probes: NDArray[np.float32], scale: float, longest: float, error: float) -> "IntegerScores":
        """Round (p, d) unit probes.

        Args:
            probes: (p, d) unit vectors.
            scale: of all rows.
            longest: the largest length of a row times the scale.
            error: the largest length of what has been rounded off a row; 0 where the rounded rows are meant.
        """
        wide = probes.astype(np.float64)
        step = np.abs(wide).max(axis=1, keepdims=True) / MOST_STEPS
        rounded = np.rint(wide / step)
        bound = longest * np.linalg.norm(wide - rounded * step, axis=1) + SLACK
        bound += error * np.linalg.norm(wide, axis=1)
        return cls(rounded.astype(np.int8), scale * step[:, 0], bound)

    def score(self, rows: Rows) -> NDArray[np.int32]:
        """Score (b, d) int8 rows: (b, p)."""
        return _multiply_integers(rows, self.probes)

    def limits(self, least: NDArray[np.float64]) -> NDArray[np.int32]:
        """Give the (p,) score that every row reaches whose true score is no less than `least`."""
        extreme = np.iinfo(np.int32)
        steps = np.floor((least - self.bound) / self.unit)
        return np.clip(steps, extreme.min, extreme.max).astype(np.int32)


def to_float32(rows: Rows, held: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert rows into an array that is held; from float16 torch does it ten times as fast as NumPy."""
    if rows.dtype == np.float16:
        import torch

        torch.from_numpy(held).copy_(_as_tensor(rows))
    else:
        np.copyto(held, rows)
    return held


@cache
def multiplies_exactly() -> bool:
    """Tell whether products of int8 are exact here: processors without the instruction for them saturate."""
    extremes = np.repeat(np.array([-MOST_STEPS, MOST_STEPS], dtype=np.int8), 512).reshape(2, 512)
    rows = np.tile(extremes, (16, 1))
    expected = rows.astype(np.int32) @ extremes.T.astype(np.int32)
    return np.array_equal(_multiply_integers(rows, extremes), expected)


def _multiply_integers(rows: Rows, probes: NDArray[np.int8]) -> NDArray[np.int32]:
    import torch

    return torch._int_mm(_as_tensor(rows), torch.from_numpy(probes).T).numpy()


def _as_tensor(rows: Rows) -> "torch.Tensor":
    """Share the memory of rows with torch, also that of a read-only file; copy where this cannot be done."""
    import torch

    try:
        return torch.from_dlpack(rows)
    except BufferError:  # NumPy 2.0 does not share what is read-only
        return torch.from_numpy(rows.copy())
