"""Comparing prints by their minutiae."""

import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import PrintComparison
from selfsame.fingerprint.local_similarity import compare_cylinders
from selfsame.fingerprint.pairing import align, pair_minutiae
from selfsame.fingerprint.phase_map import compare_phases
from selfsame.fingerprint.relaxation import choose_candidates, measure_support, relax, select_pairs
from selfsame.fingerprint.template import Templates, unpack

BLOCK = 64
"""References that are compared at once: large enough for the matrix products, small enough for the cache."""


def compare_prints(
    probes: NDArray[np.uint8], references: NDArray[np.uint8], settings: PrintComparison
) -> NDArray[np.float32]:
    """Compare prints, all with all.

    Args:
        probes: (p, bytes) uint8 templates of `encode_prints`.
        references: (r, bytes) uint8 templates made with the same settings.
        settings: those of the comparison.

    Returns:
        (p, r) float32 similarity, higher is more alike: 0 and more, near 0.1 for different fingers and
        0.8 for one; NaN where a print has too few minutiae.
    """
    scores = np.full((len(probes), len(references)), np.nan, np.float32)
    for start in range(0, len(references), BLOCK):
        block = unpack(references[start : start + BLOCK], settings)
        for i, probe in enumerate(probes):
            scores[i, start : start + BLOCK] = _compare_one(unpack(probe[None], settings), block, settings)
    return scores


def _compare_one(probe: Templates, references: Templates, settings: PrintComparison) -> NDArray[np.float32]:
    """Compare one print with a block of others, as (r,) float32.

    The score is the geometric mean of three agreements: of the surroundings of the best pairs of minutiae (0
    to 1), of the minutiae that meet once the prints lie on each other (0 to the root of their number), and of
    the ridges between them (0 to 1). A product needs no weights that would have to be fitted, and its root
    spreads the scores of different fingers as evenly as those of one.
    """
    alike = compare_cylinders(probe, references, settings.relaxation)
    pairs = choose_candidates(alike, settings.relaxation)
    support = measure_support(pairs, probe, references, settings.relaxation)
    weight = relax(pairs, support, settings.relaxation)
    counts = np.minimum(probe.count[0], references.count)
    score, selected = select_pairs(pairs, weight, counts, settings.relaxation)
    motion = align(pairs, support, np.where(selected, weight, 0), probe, references, settings.pairing)
    motion, met = pair_minutiae(motion, probe, references, settings)
    ridges = compare_phases(motion, probe.phases, references.phases) ** settings.phase.exponent
    score = np.cbrt(score * met * ridges)
    usable = np.minimum(probe.usable.sum(axis=1)[0], references.usable.sum(axis=1))
    return np.where(usable >= settings.relaxation.least_pairs, score, np.nan).astype(np.float32)
