"""The ridges of a print as a map of their phase, and how two maps agree."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import PhaseSettings
from selfsame.fingerprint.enhancement import Ridges
from selfsame.fingerprint.motion import Motion

PHASE_PX = 2
"""px at 500 dpi: step of the stored phases; the one that is read lies at most a sixth of a period away."""

POINT_PX = 8
"""px at 500 dpi: step of the points that are compared, near one ridge period."""

WINDOW_POINTS = 4
"""Points along a side of a window: in 32 px, skin stretches by less than a ridge."""

TURN = np.exp(2j * np.pi * np.arange(256) / 256).astype(np.complex64)
"""Phases in bytes: 256 to a turn."""

HALF_TURN = np.exp(1j * np.pi * np.arange(256) / 256).astype(np.complex64)
"""Normals in bytes: 256 to half a turn."""


@dataclass(frozen=True)
class PhaseMap:
    """The ridges of one print, or of n prints (then every shape begins with n).

    Attributes:
        phase: (height / 2, width / 2) uint8 phase, see TURN, along the normal.
        normal: (height / 8, width / 8) uint8 normal, see HALF_TURN.
        inside: (height / 8, width / 8) uint8, 1 where the point lies on the print.
    """

    phase: NDArray[np.uint8]
    normal: NDArray[np.uint8]
    inside: NDArray[np.uint8]


def shape_phases(settings: PhaseSettings) -> tuple[int, int]:
    """Give the rows and columns of the phases."""
    return settings.height_px // PHASE_PX, settings.width_px // PHASE_PX


def shape_points(settings: PhaseSettings) -> tuple[int, int]:
    """Give the rows and columns of the points, whole windows."""
    side = POINT_PX * WINDOW_POINTS
    return settings.height_px // side * WINDOW_POINTS, settings.width_px // side * WINDOW_POINTS


def map_phases(ridges: Ridges, shape: tuple[int, ...], settings: PhaseSettings) -> PhaseMap:
    """Map the ridges of a print.

    Args:
        ridges: the enhanced print.
        shape: height and width of the array that it was cropped from, px at 500 dpi.
        settings: the size of the map, whose corner is that of the array.
    """
    phase = np.zeros((settings.height_px, settings.width_px), np.uint8)
    normal, inside = np.zeros_like(phase), np.zeros_like(phase)
    left, top = ridges.origin
    height = max(min(ridges.mask.shape[0], settings.height_px - top), 0)
    width = max(min(ridges.mask.shape[1], settings.width_px - left), 0)
    there, here = np.s_[top : top + height, left : left + width], np.s_[:height, :width]
    turn = np.angle(ridges.signal[here]) * np.float32(128 / np.pi)
    phase[there] = np.rint(turn).astype(np.int16) & 255
    half = np.rint(ridges.normal_rad[here] * np.float32(256 / np.pi)).astype(np.int16)
    normal[there] = np.minimum(half, 255)
    inside[there] = ridges.mask[here] > 0
    rows, columns = shape_points(settings)
    points = np.s_[POINT_PX // 2 :: POINT_PX, POINT_PX // 2 :: POINT_PX]
    tall, broad = shape_phases(settings)
    return PhaseMap(
        phase[::PHASE_PX, ::PHASE_PX][:tall, :broad],
        normal[points][:rows, :columns],
        inside[points][:rows, :columns],
    )


def cover(maps: PhaseMap, place: NDArray[np.complex64]) -> NDArray[np.bool_]:
    """Tell which of (r, n) places lie on the print, of one map or of r maps."""
    inside = maps.inside
    rows, columns = (place.imag // POINT_PX).astype(int), (place.real // POINT_PX).astype(int)
    on_map = (rows >= 0) & (columns >= 0) & (rows < inside.shape[1]) & (columns < inside.shape[2])
    rows, columns = np.where(on_map, rows, 0), np.where(on_map, columns, 0)
    lines = np.zeros(1, int) if len(inside) == 1 else np.arange(len(inside))
    return np.asarray((inside[lines[:, None], rows, columns] > 0) & on_map)


def compare_phases(motion: Motion, probe: PhaseMap, references: PhaseMap) -> NDArray[np.float32]:
    """Compare the ridges of one print with those of r others on which it lies.

    Where the ridges are the same, the difference of the phases hardly changes inside a window of 32 px, even
    where the skin is stretched; where a ridge more ends in one of them, or orientation or period differ, it
    turns. The agreement is the modulus of the mean of exp(i difference) in a window, averaged over the
    common area: a local form of phase correlation (Ito, Nakajima, Kobayashi, Aoki and Higuchi, A fingerprint
    matching algorithm using phase-only correlation, 2004) that forgives shifts across the ridges.

    Returns:
        (r,) float32 agreement, 0..1.
    """
    rows, columns = np.nonzero(probe.inside[0])
    half = POINT_PX // 2
    points = ((columns * POINT_PX + half) + 1j * (rows * POINT_PX + half)).astype(np.complex64)
    place = motion.move(points)
    common = cover(references, place)
    x = np.where(common, np.rint(place.real), 0).astype(int)
    y = np.where(common, np.rint(place.imag), 0).astype(int)
    lines = np.arange(len(place))[:, None]
    phase = TURN[references.phase[lines, *_fit(y, x, PHASE_PX, references.phase.shape)]]
    normal = HALF_TURN[references.normal[lines, *_fit(y, x, POINT_PX, references.normal.shape)]]
    own_y, own_x = rows * POINT_PX + half, columns * POINT_PX + half
    own_phase = TURN[probe.phase[0][own_y // PHASE_PX, own_x // PHASE_PX]]
    own_normal = motion.turn[:, None] * HALF_TURN[probe.normal[0][rows, columns]]
    opposed = own_normal.real * normal.real + own_normal.imag * normal.imag < 0
    difference = np.where(opposed, own_phase.conj(), own_phase) * phase.conj()
    maps = np.zeros((len(place), *probe.inside.shape[1:]), np.complex64)
    maps[:, rows, columns] = np.where(common, difference, 0)
    windows = maps.reshape(len(place), maps.shape[1] // WINDOW_POINTS, WINDOW_POINTS, -1, WINDOW_POINTS).sum(
        axis=(2, 4)
    )
    return np.asarray(np.abs(windows).sum(axis=(1, 2)) / np.maximum(common.sum(axis=1), 1), np.float32)


def _fit(
    y: NDArray[np.intp], x: NDArray[np.intp], step: int, shape: tuple[int, ...]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Give the row and column of a map of the given step that hold each pixel."""
    return np.minimum(y // step, shape[1] - 1), np.minimum(x // step, shape[2] - 1)
