"""The two circles that bound an iris."""

from dataclasses import dataclass
from math import hypot, isfinite


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
        if factor == 1:
            return self
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
        if factor == 1:
            return self
        return IrisGeometry(self.pupil.scaled(factor), self.limbus.scaled(factor))
