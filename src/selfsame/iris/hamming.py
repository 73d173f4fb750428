"""Hamming distances of masked, packed codes over rotations, against many references at once."""

import numpy as np
from numpy.typing import NDArray

# Bytes of codes that are compared at once: with what is computed from them they stay in a core's own cache.
BLOCK_BYTES = 1 << 19


def compare_codes(
    probes: NDArray[np.uint64],
    references: NDArray[np.uint64],
    *,
    rotations: NDArray[np.int_],
    usual_bits: float,
    min_bits: float,
) -> NDArray[np.float32]:
    """Return 1 - HDnorm of the best rotation for every pair.

    HDnorm = 0.5 - (0.5 - HD) sqrt(n / usual_bits), HD the share of the n bits in common that differ. Only the
    probe is rotated, so the references are read once for each probe and stay as they are stored.

    Args:
        probes: (p, 2, words) uint64: bits, and which of them count.
        references: (r, 2, words) uint64.
        rotations: (k,) by how many bytes the probe is rotated.
        usual_bits: bits in common at which HDnorm is HD.
        min_bits: a rotation that leaves fewer in common does not count.

    Returns:
        (p, r) float32; NaN where no rotation counts.
    """
    scores = np.full((len(probes), len(references)), -np.inf, np.float32)
    words = references.shape[2]
    step = max(BLOCK_BYTES // max(16 * words, 1), 1)
    room = _Room(min(step, len(references)), words)
    for i, probe in enumerate(probes):
        turns = _rotate(probe, rotations)
        for start in range(0, len(references), step):
            block, best = references[start : start + step], scores[i, start : start + step]
            for turn in turns:
                room.improve(best, turn, block, min_bits)
    scores[scores == -np.inf] = np.nan
    return 0.5 + scores / np.float32(np.sqrt(usual_bits))


class _Room:
    """Memory for one block of comparisons, used again for every rotation of every probe."""

    def __init__(self, block: int, words: int) -> None:
        self.common = np.empty((block, words), np.uint64)
        self.differing = np.empty((block, words), np.uint64)
        self.ones = np.empty((block, words), np.uint8)

    def improve(
        self, best: NDArray[np.float32], turn: NDArray[np.uint64], block: NDArray[np.uint64], min_bits: float
    ) -> None:
        """Raise `best`, (0.5 - HD) sqrt(n) so far, where this rotation of the probe agrees better."""
        common, differing = self.common[: len(block)], self.differing[: len(block)]
        np.bitwise_and(block[:, 1], turn[1], out=common)
        np.bitwise_xor(block[:, 0], turn[0], out=differing)
        np.bitwise_and(differing, common, out=differing)
        n, different = self._count(common), self._count(differing)
        agreement = (0.5 * n - different) / np.sqrt(np.maximum(n, 1))
        np.maximum(best, agreement, out=best, where=n >= min_bits)

    def _count(self, words: NDArray[np.uint64]) -> NDArray[np.float32]:
        """Return the ones in each row of words, (block,)."""
        ones = np.bitwise_count(words, out=self.ones[: len(words)])
        return ones.sum(axis=1, dtype=np.uint32).astype(np.float32)


def _rotate(code: NDArray[np.uint64], rotations: NDArray[np.int_]) -> NDArray[np.uint64]:
    """Return a code at every rotation, (k, 2, words)."""
    as_bytes = np.ascontiguousarray(code).view(np.uint8)
    turns = np.stack([np.roll(as_bytes, int(rotation), axis=1) for rotation in rotations])
    return turns.view(np.uint64)
