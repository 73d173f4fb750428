"""Rigid motions that lay one print on another."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ComplexArray = NDArray[np.complex64]


@dataclass(frozen=True)
class Motion:
    """One rotation and translation for each of r references: places are x + iy, px at 500 dpi.

    Attributes:
        turn: (r,) complex64 of modulus 1.
        shift: (r,) complex64.
    """

    turn: ComplexArray
    shift: ComplexArray

    def move(self, place: ComplexArray) -> ComplexArray:
        """Move (n,) or (r, n) places of the probe onto the references, as (r, n)."""
        return self.turn[:, None] * place + self.shift[:, None]

    def move_back(self, place: ComplexArray) -> ComplexArray:
        """Move (r, n) places of the references onto the probe, as (r, n)."""
        return self.turn.conj()[:, None] * (place - self.shift[:, None])


def fit_motion(
    own: tuple[ComplexArray, ComplexArray],
    other: tuple[ComplexArray, ComplexArray],
    weight: NDArray[np.float32],
    lever_px: float,
) -> Motion:
    """Fit the motion that brings weighted pairs together, by least squares.

    Umeyama, Least-squares estimation of transformation parameters between two point patterns (1991), in the
    complex plane without scaling; the directions count as points `lever_px` ahead of the minutiae.

    Args:
        own: (r, k) or (k,) places and directions of the probe.
        other: (r, k) places and directions of the references.
        weight: (r, k) float32.
        lever_px: px at 500 dpi.
    """
    total = np.maximum(weight.sum(axis=1, keepdims=True), np.float32(1e-9))
    own_middle = (weight * own[0]).sum(axis=1, keepdims=True) / total
    middle = (weight * other[0]).sum(axis=1, keepdims=True) / total
    spread = (other[0] - middle) * (own[0] - own_middle).conj()
    spread = spread + np.float32(lever_px**2) * other[1] * own[1].conj()
    turn = (weight * spread).sum(axis=1)
    size = np.abs(turn)
    turn = np.where(size > 0, turn / np.maximum(size, np.float32(1e-9)), 1).astype(np.complex64)
    return Motion(turn, (middle[:, 0] - turn * own_middle[:, 0]).astype(np.complex64))
