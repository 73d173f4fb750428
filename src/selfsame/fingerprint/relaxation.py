"""Which pairs of minutiae agree with one another on how one print lies on the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import RelaxationSettings
from selfsame.fingerprint.template import Templates

FloatArray = NDArray[np.float32]

MAX_EXPONENT = np.float32(30.0)
"""exp(30) is nothing beside the other factors, and does not overflow."""


@dataclass(frozen=True)
class Candidates:
    """The most alike pairs of minutiae of one probe and each of r references.

    Attributes:
        own: (r, k) minutiae of the probe.
        other: (r, k) minutiae of the reference.
        similarity: (r, k) float32 of their cylinders, 0 where there is no pair.
    """

    own: NDArray[np.intp]
    other: NDArray[np.intp]
    similarity: FloatArray


def choose_candidates(alike: FloatArray, settings: RelaxationSettings) -> Candidates:
    """Choose the most alike pairs from (references, own minutiae, other minutiae) similarities."""
    flat = alike.reshape(len(alike), -1)
    count = min(settings.candidates, flat.shape[1])
    best = np.argpartition(-flat, count - 1, axis=1)[:, :count]
    return Candidates(best // alike.shape[2], best % alike.shape[2], np.take_along_axis(flat, best, axis=1))


def relax(pairs: Candidates, support: FloatArray, settings: RelaxationSettings) -> FloatArray:
    """Weigh every pair by the support of the others.

    The relaxation of Cappelli, Ferrara and Maltoni (Minutia Cylinder-Code, 2010), on the most alike pairs
    instead of an assignment: a pair's weight becomes a mixture of its own and the mean of the other pairs'
    weights, each as far as the two pairs agree (distance of the two minutiae, difference of their directions,
    direction of the one as seen from the other).

    Args:
        pairs: the candidates.
        support: (r, k, k) of `measure_support`.
        settings: rounds and weights.

    Returns:
        (r, k) float32 weights.
    """
    weight = pairs.similarity
    share = (1 - settings.own_weight) / max(weight.shape[1] - 1, 1)
    for _ in range(settings.rounds):
        weight = settings.own_weight * weight + share * np.matmul(support, weight[..., None])[..., 0]
    return weight


def select_pairs(
    pairs: Candidates, weight: FloatArray, counts: NDArray[np.int64], settings: RelaxationSettings
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Select the pairs that gained most by the support, each minutia at most once.

    Args:
        pairs: the candidates.
        weight: (r, k) weights of `relax`.
        counts: (r,) minutiae of the poorer print.
        settings: how many pairs are selected.

    Returns:
        (r,) mean weight of the selected pairs (those that are missing count 0) and (r, k) which are selected.
    """
    lines = np.arange(len(weight))
    gain = np.where(pairs.similarity > 0, weight / np.maximum(pairs.similarity, 1e-6), 0)
    spread = settings.most_pairs - settings.least_pairs
    share = 1 / (1 + np.exp(-settings.pairs_slope * (counts - settings.pairs_centre)))
    wanted = settings.least_pairs + np.rint(spread * share).astype(int)
    selected = np.zeros(weight.shape, bool)
    total = np.zeros(len(weight), np.float32)
    for i in range(settings.most_pairs):
        best = gain.argmax(axis=1)
        good = (gain[lines, best] > 0) & (i < wanted)
        selected[lines[good], best[good]] = True
        total += np.where(good, weight[lines, best], 0)
        used = pairs.own == pairs.own[lines, best][:, None]
        used |= pairs.other == pairs.other[lines, best][:, None]
        gain[used] = 0
    return total / wanted, selected


def measure_support(
    pairs: Candidates, probe: Templates, references: Templates, settings: RelaxationSettings
) -> FloatArray:
    """Measure how far every two pairs agree, 0..1, as (r, k, k) float32; pairs of one minutia never do."""
    own_apart, own_turn, own_bearing = _relate(probe.place[0][pairs.own], probe.direction[0][pairs.own])
    place = np.take_along_axis(references.place, pairs.other, axis=1)
    direction = np.take_along_axis(references.direction, pairs.other, axis=1)
    apart, turn, bearing = _relate(place, direction)
    support = _fade(np.abs(own_apart - apart), settings.distance_px, settings.distance_slope)
    for first, second in ((own_turn, turn), (own_bearing, bearing)):
        cosine = first.real * second.real + first.imag * second.imag
        off = np.arccos(np.clip(cosine, -1, 1))
        support *= _fade(off, settings.angle_rad, settings.angle_slope)
    support[pairs.own[:, :, None] == pairs.own[:, None]] = 0
    support[pairs.other[:, :, None] == pairs.other[:, None]] = 0
    return support


def _relate(
    place: NDArray[np.complex64], direction: NDArray[np.complex64]
) -> tuple[FloatArray, NDArray[np.complex64], NDArray[np.complex64]]:
    """Relate every two minutiae: their distance, their turn and the bearing of the second from the first."""
    between = place[:, None] - place[:, :, None]
    apart = np.abs(between)
    turn = direction[:, None] * direction.conj()[:, :, None]
    bearing = between * direction.conj()[:, :, None] / np.maximum(apart, np.float32(1e-3))
    return apart, turn, bearing


def _fade(difference: FloatArray, centre: float, slope: float) -> FloatArray:
    """Fall from 1 to 0 with the difference, 1/2 at the centre."""
    exponent = np.minimum(np.float32(slope) * (difference - np.float32(centre)), MAX_EXPONENT)
    return 1 / (1 + np.exp(exponent))
