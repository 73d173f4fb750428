"""The two circles that bound an iris, and the least-squares circle through points."""

from dataclasses import dataclass
from math import hypot, isfinite

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Circle:
    """A circle in image coordinates: x to the right, y downwards, in px; the first pixel's centre is (0, 0).

    Raises:
        ValueError: a number is not finite, or the radius is not positive.
    """

    x: float
    y: float
    radius: float

    def __post_init__(self) -> None:
        if not (isfinite(self.x) and isfinite(self.y) and isfinite(self.radius) and self.radius > 0):
            raise ValueError(
                f"expected a finite centre and a positive radius, got ({self.x}, {self.y}) and {self.radius}"
            )

    def scaled(self, factor: float) -> "Circle":
        """Map the circle onto the same image resized by `factor` (pixel centres stay half a pixel in)."""
        return Circle((self.x + 0.5) * factor - 0.5, (self.y + 0.5) * factor - 0.5, self.radius * factor)

    def distance(self, other: "Circle") -> float:
        """Return the distance between the two centres in px."""
        return hypot(self.x - other.x, self.y - other.y)


@dataclass(frozen=True)
class IrisGeometry:
    """The inner and the outer boundary of an iris; they need not be concentric.

    Raises:
        ValueError: the pupil does not lie inside the limbus.
    """

    pupil: Circle
    limbus: Circle

    def __post_init__(self) -> None:
        if self.pupil.distance(self.limbus) + self.pupil.radius >= self.limbus.radius:
            raise ValueError(f"expected the pupil inside the limbus, got {self.pupil} and {self.limbus}")

    @property
    def dilation(self) -> float:
        """Return the pupil's radius as a share of the limbus's."""
        return self.pupil.radius / self.limbus.radius

    def scaled(self, factor: float) -> "IrisGeometry":
        """Map both circles onto the same image resized by `factor`."""
        return IrisGeometry(self.pupil.scaled(factor), self.limbus.scaled(factor))


def fit_circles(
    x: NDArray[np.float64], y: NDArray[np.float64], keep: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Fit the algebraic least-squares circle of Kasa (1976) to several sets of points at once.

    Solves x² + y² = 2ax + 2by + c about each set's mean, which keeps the systems well conditioned.

    Args:
        x: (c, n) px, one row a set.
        y: (c, n) px.
        keep: (c, n) which points count.

    Returns:
        (c, 3) x, y, radius. A set that lies on a line, or has fewer than three points, gets radius 0.
    """
    weight = keep / np.maximum(keep.sum(axis=1, keepdims=True), 1)
    mean_x, mean_y = (weight * x).sum(axis=1), (weight * y).sum(axis=1)
    u, v = x - mean_x[:, None], y - mean_y[:, None]
    squares = u * u + v * v
    uu, vv, uv = (weight * u * u).sum(axis=1), (weight * v * v).sum(axis=1), (weight * u * v).sum(axis=1)
    right_u, right_v = (weight * u * squares).sum(axis=1) / 2, (weight * v * squares).sum(axis=1) / 2
    determinant = uu * vv - uv * uv
    solvable = (determinant > 1e-9 * (uu + vv) ** 2) & (keep.sum(axis=1) >= 3)
    divisor = np.where(solvable, determinant, 1.0)
    a = (right_u * vv - right_v * uv) / divisor
    b = (right_v * uu - right_u * uv) / divisor
    radius = np.sqrt(a * a + b * b + uu + vv) * solvable
    return np.stack([mean_x + a * solvable, mean_y + b * solvable, radius], axis=1)
