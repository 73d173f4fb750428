"""Laying one print on another by their minutiae, and counting those that meet."""

import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import PairingSettings, PrintComparison
from selfsame.fingerprint.motion import Motion, fit_motion
from selfsame.fingerprint.phase_map import cover
from selfsame.fingerprint.relaxation import Candidates
from selfsame.fingerprint.template import Templates

FloatArray = NDArray[np.float32]


def align(
    pairs: Candidates,
    support: FloatArray,
    weight: FloatArray,
    probe: Templates,
    references: Templates,
    settings: PairingSettings,
) -> Motion:
    """Lay the probe on each reference by its best pair of minutiae and the pairs that support that one.

    Args:
        pairs: r x k candidates.
        support: (r, k, k) float32 how far two pairs agree.
        weight: (r, k) float32 of the selected pairs, 0 for the others.
        probe: one template.
        references: r templates.
        settings: the lever of directions.
    """
    lines = np.arange(len(weight))
    best = weight.argmax(axis=1)
    shared = support[lines, best] * weight
    shared[lines, best] = weight[lines, best]
    own = probe.place[0][pairs.own], probe.direction[0][pairs.own]
    other = (
        np.take_along_axis(references.place, pairs.other, axis=1),
        np.take_along_axis(references.direction, pairs.other, axis=1),
    )
    return fit_motion(own, other, shared, settings.lever_px)


def pair_minutiae(
    motion: Motion, probe: Templates, references: Templates, settings: PrintComparison
) -> tuple[Motion, FloatArray]:
    """Pair the minutiae that meet, refit the motion to all of them, and score what meets then.

    A pair counts 1 where its minutiae fall together, down to 0 at `distance_px`. The sum s is scored as
    s / sqrt(m + d): m is the geometric mean of the numbers of minutiae that lie on the other print, d the
    doubted minutiae of the settings. The root lies between counting pairs, which favours large prints, and
    their share, which favours small ones.

    Returns:
        The refitted motion and the (r,) float32 score, 0 and more.
    """
    partner, closeness = _meet(motion, probe, references, settings.pairing)
    other = (
        np.take_along_axis(references.place, partner, axis=1),
        np.take_along_axis(references.direction, partner, axis=1),
    )
    refitted = fit_motion((probe.place[0], probe.direction[0]), other, closeness, settings.pairing.lever_px)
    kept = closeness.sum(axis=1) >= 1
    motion = Motion(np.where(kept, refitted.turn, motion.turn), np.where(kept, refitted.shift, motion.shift))
    met = _meet(motion, probe, references, settings.pairing)[1].sum(axis=1)
    own = cover(references.phases, motion.move(probe.place[0])) & _list_real(probe)
    others = cover(probe.phases, motion.move_back(references.place)) & _list_real(references)
    common = np.sqrt(own.sum(axis=1) * others.sum(axis=1))
    return motion, met / np.sqrt(common + np.float32(settings.pairing.doubted_minutiae))


def _meet(
    motion: Motion, probe: Templates, references: Templates, settings: PairingSettings
) -> tuple[NDArray[np.intp], FloatArray]:
    """Find the nearest minutia of the reference for each of the probe, where each is the other's nearest.

    Returns:
        (r, n) partners and (r, n) closeness: 1 for the same place, 0 for no pair.
    """
    place = motion.move(probe.place[0])
    direction = motion.turn[:, None] * probe.direction[0]
    between = place[:, :, None] - references.place[:, None]
    turn = direction[:, :, None] * references.direction.conj()[:, None]
    real = _list_real(probe)[:, :, None] & _list_real(references)[:, None]
    close = 1 - np.abs(between) / np.float32(settings.distance_px)
    close[(turn.real < np.cos(settings.angle_rad)) | ~real] = 0
    partner = close.argmax(axis=2)
    mutual = np.take_along_axis(close.argmax(axis=1), partner, axis=1) == np.arange(place.shape[1])
    closest = np.take_along_axis(close, partner[..., None], axis=2)[..., 0]
    return partner, np.where(mutual, np.maximum(closest, 0), 0).astype(np.float32)


def _list_real(templates: Templates) -> NDArray[np.bool_]:
    """Tell minutiae from padding, as (n, m)."""
    return np.arange(templates.place.shape[1]) < templates.count[:, None]
