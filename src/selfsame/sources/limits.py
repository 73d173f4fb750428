"""What a file may be at most, and a capture at least."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds that keep one file from costing too much, or from counting as a capture.

    Attributes:
        max_bytes: the largest file that is read.
        max_pixels: the most pixels that are decoded.
        min_side_px: the shortest side that a capture may have.
    """

    max_bytes: int
    max_pixels: int
    min_side_px: int
