"""The fastest scores of a block of gallery rows against probes, each with a bound of its error.

What is fast on a CPU was measured (benchmarks/search.py). A few probes: one scalar product after the other,
which reads memory as fast as a sum does, where a matrix-vector product does not. Many probes: a matrix
product. float16: blocks converted within the cache. int8: products of integers, which are exact.
"""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

Rows = NDArray[np.number]
"""(n, d) float32, float16 or int8."""

FEW_PROBES = 8
"""Up to so many probes scalar products are faster than a matrix product."""

GROUPED_ROWS = 64
"""Rows whose highest score is compared with the limit first."""

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

    score_type: ClassVar[type[np.generic]] = np.float32

    probes: NDArray[np.float32]
    unit: NDArray[np.float64]
    bound: NDArray[np.float64]

    @classmethod
    def of(cls, probes: NDArray[np.float32], scale: float, longest: float) -> "FloatScores":
        """Take (p, d) unit probes, for rows of one scale, times which none is longer than `longest`."""
        summed = probes.shape[1] * UNIT_ROUNDOFF
        bound = np.full(len(probes), longest * summed / (1 - summed) + SLACK)
        return cls(probes, np.array([scale]), bound)

    def score(self, rows: Rows, out: NDArray[np.float32]) -> NDArray[np.float32]:
        """Score (b, d) rows into `out`, (b, p), and return it."""
        if rows.dtype == np.float32:
            return self._multiply(np.asarray(rows, dtype=np.float32), out)
        held = np.empty((CACHED_ROWS, rows.shape[1]), dtype=np.float32)
        for first in range(0, len(rows), CACHED_ROWS):
            part = rows[first : first + CACHED_ROWS]
            self._multiply(to_float32(part, held[: len(part)]), out[first : first + CACHED_ROWS])
        return out

    def limits(self, least: NDArray[np.float64]) -> NDArray[np.float32]:
        """Give the (p,) score that every row reaches whose true score is no less than `least`."""
        return ((least - self.bound) / self.unit).astype(np.float32)

    def _multiply(self, rows: NDArray[np.float32], out: NDArray[np.float32]) -> NDArray[np.float32]:
        if len(self.probes) > FEW_PROBES:
            return np.matmul(rows, self.probes.T, out=out)
        return np.vecdot(rows[:, None, :], self.probes[None], out=out)


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

    score_type: ClassVar[type[np.generic]] = np.int32

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

    def score(self, rows: Rows, out: NDArray[np.int32]) -> NDArray[np.int32]:
        """Score (b, d) int8 rows into `out`, (b, p), and return it."""
        return _multiply_integers(rows, self.probes, out)

    def limits(self, least: NDArray[np.float64]) -> NDArray[np.int32]:
        """Give the (p,) score that every row reaches whose true score is no less than `least`."""
        extreme = np.iinfo(np.int32)
        steps = np.floor((least - self.bound) / self.unit)
        return np.clip(steps, extreme.min, extreme.max).astype(np.int32)


def list_reached(
    scores: NDArray[np.floating] | NDArray[np.integer], limits: NDArray[np.floating] | NDArray[np.integer]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the pairs of (b, p) scores that reach their probe's limit, (p,): rows, rising, and probes.

    With many probes the maxima of groups of rows are compared first: three times as fast, since hardly any
    group holds such a score.
    """
    grouped = len(scores) // GROUPED_ROWS * GROUPED_ROWS if scores.shape[1] > FEW_PROBES else 0
    groups = scores[:grouped].reshape(-1, GROUPED_ROWS, scores.shape[1])
    group, looked = np.nonzero(groups.max(axis=1) >= limits)
    pair, within = np.nonzero(groups[group, :, looked] >= limits[looked, None])
    rest, probe = np.nonzero(scores[grouped:] >= limits)
    rows = np.concatenate([group[pair] * GROUPED_ROWS + within, grouped + rest])
    order = np.argsort(rows, kind="stable")
    return rows[order], np.concatenate([looked[pair], probe])[order]


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
    return np.array_equal(_multiply_integers(rows, extremes, np.empty_like(expected)), expected)


def _multiply_integers(rows: Rows, probes: NDArray[np.int8], out: NDArray[np.int32]) -> NDArray[np.int32]:
    import torch

    if rows.shape[1] == 1:  # of which torch 2.11 makes wrong products
        return np.multiply(rows, probes.T, out=out, dtype=np.int32)
    torch._int_mm(_as_tensor(rows), torch.from_numpy(probes).T, out=torch.from_numpy(out))
    return out


def _as_tensor(rows: Rows) -> "torch.Tensor":
    """Share the memory of rows with torch, also that of a read-only file; copy where this cannot be done."""
    import torch

    try:
        return torch.from_dlpack(rows)
    except BufferError:  # NumPy 2.0 does not share what is read-only
        return torch.from_numpy(rows.copy())
