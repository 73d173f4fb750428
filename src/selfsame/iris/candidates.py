"""Where a pupil may be: circles that many gradients agree on, found on a quarter of the size.

Every strong gradient votes for the centres that lie on its dark side, at each radius (Loy and Zelinsky, "Fast
radial symmetry for detecting points of interest", 2003): lashes are dark too, but they are not round. A vote
counts more where the picture is darker: a pupil is among its darkest parts, whatever the exposure.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

COUNT = 4
# The picture is halved so often.
HALVINGS = 2
# Each radius is so many times the one before.
RADIUS_RATIO = 1.25
# The edge of a pupil lies among the darkest pixels, this share of all. Of those, every second one votes whose
# gradient is stronger than so many times their mean, and none under so many levels (Sobel's sum is 8 a px).
DARK_SHARE, VOTING_STRENGTH, MIN_GRADIENT, VOTING_STEP = 0.5, 0.7, 16.0, 2
# A found centre clears its neighbourhood: px to every side, radii to either side.
CLEARED_PX, CLEARED_RADII = 2, 1


def propose_pupils(image: NDArray[np.uint8], low: float, high: float) -> Floats:
    """Return the circles with the most votes, the best first.

    Args:
        image: (h, w) uint8 with highlights closed.
        low: least radius in px.
        high: greatest radius in px.

    Returns:
        (COUNT, 3) float32 x, y, radius in px, some px off.
    """
    small = image
    for _ in range(HALVINGS):
        size = small.shape[1] // 2, small.shape[0] // 2
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
    smooth = np.asarray(cv2.GaussianBlur(small, (3, 3), 0), np.uint8)
    factor = 2**HALVINGS
    found = _take_peaks(_count_votes(smooth, low / factor, high / factor))
    circles = np.empty((COUNT, 3), np.float32)
    # A pixel's centre lies half a pixel in.
    circles[:, :2] = (found[:, :2] + 0.5) * factor - 0.5
    circles[:, 2] = _list_radii(low / factor, high / factor)[found[:, 2]] * factor
    return circles


@lru_cache(maxsize=16)
def _list_radii(low: float, high: float) -> Floats:
    """Return the radii that are voted for."""
    return (low * RADIUS_RATIO ** np.arange(np.log(high / low) / np.log(RADIUS_RATIO))).astype(np.float32)


@lru_cache(maxsize=16)
def _weigh_radii(shape: tuple[int, int], low: float, high: float) -> Floats:
    """Return how much a vote counts, (h, w, radii): a ring of radius r casts 2πr votes, chance their root."""
    return np.tile(1 / np.sqrt(_list_radii(low, high)), (*shape, 1))


@lru_cache(maxsize=16)
def _list_places(shape: tuple[int, int]) -> Floats:
    """Return row and column of every pixel, (2, h * w)."""
    return np.indices(shape, np.float32).reshape(2, -1)


def _count_votes(smooth: NDArray[np.uint8], low: float, high: float) -> Floats:
    """Return the votes for every centre at every radius, (h, w, radii)."""
    levels = np.bincount(smooth.ravel(), minlength=256)
    darker = 1 - np.cumsum(levels, dtype=np.float32) / np.float32(smooth.size)
    darkness = np.asarray(cv2.LUT(smooth, darker), np.float32)
    y, x, away_y, away_x = _list_gradients(smooth, darkness >= 1 - DARK_SHARE)
    radii = _list_radii(low, high)
    rows, columns = y - radii[:, None] * away_y, x - radii[:, None] * away_x
    planes = np.repeat(np.arange(len(radii), dtype=np.float32), len(x))
    # A vote counts for the pixel that it lies on, one outside the picture for none.
    shape = *smooth.shape, len(radii)
    edges = [end for side in shape for end in (-0.5, side - 0.5)]
    counted = cv2.calcHist([rows.ravel(), columns.ravel(), planes], [0, 1, 2], None, shape, edges)
    votes = np.asarray(counted, np.float32)
    votes *= np.repeat(darkness * darkness, len(radii)).reshape(shape)
    votes *= _weigh_radii(smooth.shape, low, high)
    return np.asarray(cv2.GaussianBlur(votes, (5, 5), 0), np.float32)


def _list_gradients(
    smooth: NDArray[np.uint8], dark: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return y, x and the direction (y, x) of the gradients that vote, (n,) float32 each."""
    gradient_x = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), np.float32)
    gradient_y = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1), np.float32)
    strength = np.asarray(cv2.magnitude(gradient_x, gradient_y), np.float32)
    mean = cv2.mean(strength, dark.view(np.uint8))[0]
    strong = dark & (strength > max(VOTING_STRENGTH * mean, MIN_GRADIENT))
    voting = np.flatnonzero(strong)[::VOTING_STEP]
    y, x = _list_places(smooth.shape)
    norm = strength.take(voting)
    return y.take(voting), x.take(voting), gradient_y.take(voting) / norm, gradient_x.take(voting) / norm


def _take_peaks(votes: Floats) -> NDArray[np.intp]:
    """Take the highest places one after the other: (COUNT, 3) column, row and radius."""
    found = np.empty((COUNT, 3), np.intp)
    _, width, radii = votes.shape
    for i in range(COUNT):
        place, radius = divmod(int(votes.argmax()), radii)
        row, column = divmod(place, width)
        found[i] = column, row, radius
        votes[
            max(row - CLEARED_PX, 0) : row + CLEARED_PX + 1,
            max(column - CLEARED_PX, 0) : column + CLEARED_PX + 1,
            max(radius - CLEARED_RADII, 0) : radius + CLEARED_RADII + 1,
        ] = 0
    return found
