"""Ridge endings and bifurcations: the points where the phase of the ridges turns around."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import MinutiaeSettings
from selfsame.fingerprint.enhancement import Ridges

TYPE_PERIODS = np.float32(1.0)
"""Ridge periods ahead of a minutia at which the type is read: a ridge there has ended, or else it forked."""


@dataclass(frozen=True)
class Minutiae:
    """The minutiae of a print, the best first.

    Attributes:
        x: (n,) float32 px at 500 dpi, to the right.
        y: (n,) float32 px at 500 dpi, down.
        direction_rad: (n,) float32 direction along the ridges, to the side that has one ridge more, from the
            x axis towards the y axis, in [-pi, pi).
        ending: (n,) bool, True for a ridge ending, False for a bifurcation.
        quality: (n,) float32, 0..1.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    direction_rad: NDArray[np.float32]
    ending: NDArray[np.bool_]
    quality: NDArray[np.float32]

    def take(self, kept: NDArray[np.intp] | NDArray[np.bool_]) -> "Minutiae":
        """Take the minutiae at the given positions, or where a mask is True."""
        return Minutiae(
            self.x[kept], self.y[kept], self.direction_rad[kept], self.ending[kept], self.quality[kept]
        )


def find_minutiae(ridges: Ridges, settings: MinutiaeSettings) -> Minutiae:
    """Find the minutiae as spirals of the phase, best first.

    Ridges are the cosine of the phase of an analytic signal; where a ridge ends or forks, the phase grows by
    one turn around the point (Larkin and Fletcher, A coherent framework for fingerprint analysis: are
    fingerprints holograms?, 2007). No binary image and no thinning are needed: there are no spurs to remove.

    Args:
        ridges: the enhanced print.
        settings: which points are kept.
    """
    height, width = ridges.signal.shape
    padded = cv2.copyMakeBorder(ridges.mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_5)[1:-1, 1:-1]
    turns, normal = _circulate(ridges.signal, ridges.normal_rad)
    rows, columns = np.nonzero(turns * (depth[:-1, :-1] >= settings.border_px))
    period = ridges.field.look_up(ridges.field.period_px, rows, columns)
    quality = ridges.field.look_up(ridges.field.coherence, rows, columns)
    x, y = columns.astype(np.float32) + 1, rows.astype(np.float32) + 1
    direction = _wrap(normal[rows, columns] - turns[rows, columns] * np.float32(np.pi / 2))
    ahead_x = np.clip(x + TYPE_PERIODS * period * np.cos(direction), 0, width - 1).astype(int)
    ahead_y = np.clip(y + TYPE_PERIODS * period * np.sin(direction), 0, height - 1).astype(int)
    ending = ridges.signal.real[ahead_y, ahead_x] < 0
    left, top = (np.float32(side) for side in ridges.origin)
    found = Minutiae(x + left, y + top, direction, ending, quality)
    found = found.take(_tell_apart(found, settings) & (quality >= settings.least_quality))
    return found.take(np.argsort(-found.quality, kind="stable")[: settings.most])


def _circulate(
    signal: NDArray[np.complex64], normal_rad: NDArray[np.float32]
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Count the turns of the phase around every square of 2x2 px.

    The normal is known up to half a turn; the four corners are brought to the side of the first.
    """
    views = [(slice(0, -1), slice(0, -1)), (slice(0, -1), slice(1, None))]
    views += [(slice(1, None), slice(1, None)), (slice(1, None), slice(0, -1))]
    first = normal_rad[views[0]]
    corners = []
    for view in views:
        one = signal[view]
        flipped = np.abs(normal_rad[view] - first) > np.pi / 2
        corners.append(np.where(flipped, one.conj(), one))
    steps = [np.angle(corners[(i + 1) % 4] * corners[i].conj()) for i in range(4)]
    return np.rint(sum(steps) / (2 * np.pi)).astype(np.int8), first


def _tell_apart(found: Minutiae, settings: MinutiaeSettings) -> NDArray[np.bool_]:
    """Tell minutiae from the two ends of a broken ridge or of a bridge, which face each other."""
    far = np.hypot(found.x[:, None] - found.x, found.y[:, None] - found.y)
    turn = np.abs(_wrap(found.direction_rad[:, None] - found.direction_rad))
    facing = (far < settings.opposite_px) & (turn > settings.opposite_rad)
    return ~facing.any(axis=1)


def _wrap(angle_rad: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring angles to [-pi, pi)."""
    return (np.mod(angle_rad + np.pi, 2 * np.pi) - np.pi).astype(np.float32)
