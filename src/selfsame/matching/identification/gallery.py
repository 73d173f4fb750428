"""Exact one-to-many search over unit vectors, in memory or in a file that is larger than memory.

1. Every row is scored in the fastest arithmetic that its type has, a block of rows at a time. Such a score is
   off by no more than a bound that is known.
2. Rows whose first score lies within the bound of the best ones found so far are scored again in float64, and
   these scores alone decide.

So an answer depends neither on the blocks, nor on the number of probes that are searched together, nor on
the order in which a library adds up. A scalar product of d values in float32, u = 2 ** -24, is off by no more
than d u / (1 - d u) times both lengths (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section
3.1); what rounding to int8 takes off a vector, by no more than its length times that of the other vector.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.matching.identification.block_scores import (
    CACHED_ROWS,
    FloatScores,
    IntegerScores,
    Rows,
    list_reached,
    multiplies_exactly,
    to_float32,
)
from selfsame.matching.identification.quantisation import Sketch

Found = tuple[NDArray[np.int64], NDArray[np.float32]]

LENGTH_TOLERANCE = 1e-3
"""How far from 1 the length of a vector may be: rounding to float16 moves it by 2 ** -11 at most."""

PROBES_AT_ONCE = 256
"""Probes that share one pass over the gallery: from here on a pass is bound by arithmetic, not by memory."""

MOST_ROWS = 16384
"""Rows of a block at most."""

PAIRS_AT_ONCE = 4096
"""Pairs of a probe and a row that are scored in float64 at once: 16 MiB of 256 values."""


@dataclass(frozen=True)
class Gallery:
    """The vectors of everybody who is enrolled.

    To make one is one pass over the rows: all of them are checked.

    Attributes:
        rows: (n, d) unit vectors in row order: float32, float16, or int8 with one scale for all. A memory map
            will do: `np.load(path, mmap_mode="r")`.
        names: (n,) whose row it is; a subject may own several.
        scale: the value of one step of int8: a vector is `scale * row`. 1 for the other types.
        sketch: a copy of float rows in int8, `Sketch.of(rows)`: a search is then about twice as fast, for one
            byte more a value; None to go without.
        scores_held: how many scores are held at once, about 10 bytes each: the memory beyond the rows.

    Raises:
        InputError: the arrays do not fit each other, or a row is not a unit vector.
    """

    rows: Rows
    names: NDArray[np.str_]
    scale: float = 1.0
    sketch: Sketch | None = None
    scores_held: int = 2**20

    def __post_init__(self) -> None:
        _check_layout(self)
        held = np.empty((CACHED_ROWS, self.rows.shape[1]), dtype=np.float32)
        for first in range(0, len(self.rows), CACHED_ROWS):
            block = self.rows[first : first + CACHED_ROWS]
            vectors = to_float32(block, held[: len(block)])
            vectors *= np.float32(self.scale)
            _check_lengths(vectors, self._tolerance(), "gallery", first)

    def search(self, probes: NDArray[np.floating], count: int, workers: int = 1) -> Found:
        """Find the `count` rows most alike to each probe.

        The score of a row is the scalar product of its stored vector and the probe (as float32), in float64,
        rounded to float32: the cosine in [-1, 1] of float32 vectors; that of the other types differs from it
        by what the type has rounded off the row.

        Args:
            probes: (p, d) unit vectors.
            count: how many rows to find, at least 1; all n where it is more.
            workers: threads that share the rows among them: for few probes, whose products a library leaves
                to one thread. Many probes use the threads of the libraries.

        Returns:
            indices: (p, min(count, n)) the rows, most alike first; equal scores in the order of the rows.
            scores: (p, min(count, n)) float32, falling.

        Raises:
            InputError: a probe is not a unit vector of d values, or the count or the workers are below 1.

        >>> gallery = Gallery(np.eye(3, dtype=np.float32), np.array(["ann", "bob", "cem"]))
        >>> indices, scores = gallery.search(np.float32([[0.6, 0.8, 0.0]]), count=2)
        >>> gallery.names[indices].tolist(), scores.tolist()
        ([['bob', 'ann']], [[0.800000011920929, 0.6000000238418579]])
        """
        if count < 1:
            raise InputError(f"expected to find at least 1 row of the gallery, but count is {count}")
        if workers < 1:
            raise InputError(f"expected at least 1 worker to search with, but got {workers}")
        if probes.ndim != 2 or probes.shape[1] != self.rows.shape[1]:
            raise InputError(
                f"expected probes of shape (p, {self.rows.shape[1]}) like the gallery, but got {probes.shape}"
            )
        vectors = np.ascontiguousarray(probes, dtype=np.float32)
        _check_lengths(vectors, LENGTH_TOLERANCE, "probe", 0)
        count = min(count, len(self.rows))
        groups = [
            self._search_together(vectors[first : first + PROBES_AT_ONCE], count, workers)
            for first in range(0, max(1, len(vectors)), PROBES_AT_ONCE)
        ]
        return np.concatenate([g.indices for g in groups]), np.concatenate([g.scores for g in groups])

    def _search_together(self, probes: NDArray[np.float32], count: int, workers: int) -> "_Best":
        """Pass over the gallery once, each worker over its part."""
        if not len(probes) * count:
            return _Best.none(len(probes), count)
        if workers == 1:
            return self._search_part(probes, count, 0, len(self.rows))
        edges = np.linspace(0, len(self.rows), workers + 1).astype(int).tolist()
        with ThreadPoolExecutor(workers) as pool:
            parts = pool.map(
                lambda first, last: self._search_part(probes, count, first, last), edges[:-1], edges[1:]
            )
            best, *others = parts
        for other in others:  # in the order of their rows
            best.add(np.repeat(np.arange(len(probes)), count), other.indices.ravel(), other.scores.ravel())
        return best

    def _search_part(self, probes: NDArray[np.float32], count: int, start: int, stop: int) -> "_Best":
        """Search the rows from `start` to `stop`."""
        best = _Best.none(len(probes), count)
        rows, fast = self._fast_scores(probes)
        wide = probes.astype(np.float64)
        step = min(MOST_ROWS, max(1, self.scores_held // len(probes)), max(1, stop - start))
        # Fresh memory for every block would cost as much as comparing it does.
        held = np.empty((step, len(probes)), dtype=fast.score_type)
        for first in range(start, stop, step):
            last = min(first + step, stop)
            scores = fast.score(rows[first:last], held[: last - first])
            limits = fast.limits(_least_scores(best, fast, scores))
            found, probe = list_reached(scores, limits)
            found += first
            for pair in range(0, len(found), PAIRS_AT_ONCE):
                pairs = slice(pair, pair + PAIRS_AT_ONCE)
                exact = self._score_exactly(wide[probe[pairs]], self.rows[found[pairs]])
                best.add(probe[pairs], found[pairs], exact)
        return best

    def _fast_scores(self, probes: NDArray[np.float32]) -> tuple[Rows, FloatScores | IntegerScores]:
        """Choose what to read first, and how."""
        if self.sketch is not None and multiplies_exactly():
            error = self.sketch.error
            longest = 1 + self._tolerance() + error
            return self.sketch.rows, IntegerScores.of(probes, self.sketch.scale, longest, error)
        if self.rows.dtype == np.int8 and multiplies_exactly():
            return self.rows, IntegerScores.of(probes, self.scale, 1 + self._tolerance(), 0.0)
        return self.rows, FloatScores.of(probes, self.scale, 1 + self._tolerance())

    def _tolerance(self) -> float:
        """How far from 1 the length of a row may be."""
        rounding = self.scale * np.sqrt(self.rows.shape[1]) / 2 if self.rows.dtype == np.int8 else 0.0
        return LENGTH_TOLERANCE + float(rounding)

    def _score_exactly(self, probes: NDArray[np.float64], rows: Rows) -> NDArray[np.float32]:
        """Score pair by pair, so that the score of a row does not depend on the rows around it."""
        return (np.vecdot(rows.astype(np.float64), probes) * self.scale).astype(np.float32)


@dataclass(frozen=True)
class _Best:
    """The best rows so far: (p, k) each, rows of equal score in order; -inf where there is none yet."""

    indices: NDArray[np.int64]
    scores: NDArray[np.float32]

    @classmethod
    def none(cls, probes: int, count: int) -> "_Best":
        return cls(np.full((probes, count), -1), np.full((probes, count), -np.inf, dtype=np.float32))

    def add(self, probe: NDArray[np.int64], index: NDArray[np.int64], score: NDArray[np.float32]) -> None:
        """Take in pairs whose rows come after all those seen for their probe, hence lose against equals."""
        better = score > self.scores[probe, -1]
        touched = np.unique(probe[better])
        count = self.scores.shape[1]
        probe = np.concatenate([np.repeat(touched, count), probe[better]])
        index = np.concatenate([self.indices[touched].ravel(), index[better]])
        score = np.concatenate([self.scores[touched].ravel(), score[better]])
        order = np.lexsort((index, -score, probe))
        kept = order[np.searchsorted(probe[order], touched)[:, None] + np.arange(count)]
        self.indices[touched], self.scores[touched] = index[kept], score[kept]


def _least_scores(
    best: _Best, fast: FloatScores | IntegerScores, scores: NDArray[np.float32] | NDArray[np.int32]
) -> NDArray[np.float64]:
    """Tell what a row must score to be among the best: (p,) from the rows seen, or from the block at hand."""
    least = best.scores[:, -1].astype(np.float64)
    count = best.scores.shape[1]
    if np.isneginf(least).any() and count <= len(scores):
        some = scores[: max(count, CACHED_ROWS)]
        nth = np.partition(some, len(some) - count, axis=0)[len(some) - count]
        least = np.maximum(least, fast.unit * nth - fast.bound)
    return least


def _check_layout(gallery: Gallery) -> None:
    rows = gallery.rows
    if rows.ndim != 2 or rows.dtype not in (np.float32, np.float16, np.int8) or not rows.flags.c_contiguous:
        raise InputError(
            "expected a gallery of shape (n, d) in row order, in float32, float16 or int8, "
            f"but got {rows.dtype} of shape {rows.shape}: make it with `quantise`"
        )
    if gallery.names.shape != (len(rows),):
        raise InputError(f"expected {len(rows)} names, one a row, but got shape {gallery.names.shape}")
    if rows.dtype != np.int8 and gallery.scale != 1.0:
        raise InputError(f"expected scale 1 for {rows.dtype}, but got {gallery.scale}: only int8 has a scale")
    if not 0 < gallery.scale <= 1:
        raise InputError(f"expected a scale above 0 and at most 1, but got {gallery.scale}")
    if gallery.sketch is not None and (rows.dtype == np.int8 or gallery.sketch.rows.shape != rows.shape):
        raise InputError(
            f"expected a sketch of {rows.shape} float rows, but got one of {gallery.sketch.rows.shape} "
            f"beside {rows.dtype}: make it with `Sketch.of(rows)`"
        )
    if gallery.scores_held < 1:
        raise InputError(f"expected to hold at least 1 score, but scores_held is {gallery.scores_held}")


def _check_lengths(vectors: NDArray[np.float32], tolerance: float, what: str, first: int) -> None:
    """Refuse what is not of length 1; `first` is the number of the first of these rows."""
    lengths = np.sqrt(np.vecdot(vectors, vectors))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= tolerance))
    if not len(wrong):
        return
    row, length = first + wrong[0], lengths[wrong[0]]
    if np.isfinite(length):
        raise InputError(
            f"expected unit vectors, but {what} row {row} has length {length:.4f}: divide it by its length"
        )
    raise InputError(
        f"expected unit vectors, but {what} row {row} is not finite: leave out what was not acquired"
    )
