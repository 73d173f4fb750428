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

COUNT = 6
# The picture is halved so often.
HALVINGS = 2
# Each radius is so many times the one before.
RADIUS_RATIO = 1.18
# The edge of a pupil lies among the darkest pixels. Of those the ones with the strongest gradients vote: this
# share of all pixels, and none under so many levels (Sobel's sum is 8 a px).
DARK_SHARE, VOTING_SHARE, MIN_GRADIENT = 0.5, 0.3, 16.0
# A found centre clears its neighbourhood: px to every side, planes to either side.
CLEARED_PX, CLEARED_PLANES = 2, 2


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
    radii = _list_radii(low / factor, high / factor)
    found = _take_peaks(_count_votes(smooth, radii), smooth.shape[0] + 2)
    circles = np.empty((COUNT, 3), np.float32)
    # The votes have a rim of one pixel, and a pixel's centre lies half a pixel in.
    circles[:, :2] = (found[:, :2] - 0.5) * factor - 0.5
    circles[:, 2] = radii[found[:, 2]] * factor
    return circles


@lru_cache(maxsize=16)
def _list_radii(low: float, high: float) -> Floats:
    """Return the radii that are voted for."""
    return (low * RADIUS_RATIO ** np.arange(np.log(high / low) / np.log(RADIUS_RATIO))).astype(np.float32)


def _count_votes(smooth: NDArray[np.uint8], radii: Floats) -> Floats:
    """Return the votes for every centre, (radii * (h + 2), w + 2): one plane under the other, with rims."""
    height, width = smooth.shape
    fainter = np.cumsum(np.bincount(smooth.ravel(), minlength=256)) / smooth.size
    dark = smooth <= int(np.searchsorted(fainter, DARK_SHARE))
    x, y, away_x, away_y = _list_gradients(smooth, dark)
    column, row = x - radii[:, None] * away_x, y - radii[:, None] * away_y
    # Votes for places outside fall on the rim, which counts nothing.
    for place, side in ((column, width), (row, height)):
        place += np.float32(1.5)
        np.maximum(place, 0, out=place)
        np.minimum(place, side + 1, out=place)
    np.floor(row, out=row)
    row *= width + 2
    row += column
    weight = np.zeros((height + 2, width + 2), np.float32)
    weight[1:-1, 1:-1] = ((1 - fainter) ** 2).astype(np.float32).take(smooth)
    votes = np.empty((len(radii), height + 2, width + 2), np.float32)
    # Plane by plane: small arrays stay in the cache, large ones cost their memory anew each time.
    for plane, cells, radius in zip(votes, row.astype(np.intp), radii, strict=True):
        counted = np.bincount(cells, minlength=weight.size).reshape(weight.shape)
        # A ring of radius r casts about 2πr votes, chance gives votes as their square root.
        np.multiply(counted, weight * np.float32(1 / np.sqrt(radius)), out=plane, casting="same_kind")
        cv2.GaussianBlur(plane, (5, 5), 0, dst=plane)
    return votes.reshape(-1, width + 2)


def _list_gradients(
    smooth: NDArray[np.uint8], dark: NDArray[np.bool_]
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return x, y and the direction of the strongest gradients in the dark, (n,) float32 each."""
    gradient_x = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), np.float32)
    gradient_y = np.asarray(cv2.Sobel(smooth, cv2.CV_32F, 0, 1), np.float32)
    strength = np.asarray(cv2.magnitude(gradient_x, gradient_y), np.float32).ravel()
    some = strength[dark.ravel()]
    voting = max(some.size - int(VOTING_SHARE * strength.size), 0)
    some.partition(voting)
    chosen = np.flatnonzero(dark.ravel() & (strength > max(float(some[voting]), MIN_GRADIENT)))
    norm = strength[chosen]
    y, x = np.divmod(chosen, smooth.shape[1])
    return (
        x.astype(np.float32),
        y.astype(np.float32),
        gradient_x.ravel()[chosen] / norm,
        gradient_y.ravel()[chosen] / norm,
    )


def _take_peaks(votes: Floats, height: int) -> NDArray[np.intp]:
    """Take the highest cells one after the other: (COUNT, 3) column, row and radius."""
    found = np.empty((COUNT, 3), np.intp)
    planes = votes.reshape(-1, height, votes.shape[1])
    for i in range(COUNT):
        column, line = cv2.minMaxLoc(votes)[3]
        plane, row = divmod(line, height)
        found[i] = column, row, plane
        planes[
            max(plane - CLEARED_PLANES, 0) : plane + CLEARED_PLANES + 1,
            max(row - CLEARED_PX, 0) : row + CLEARED_PX + 1,
            max(column - CLEARED_PX, 0) : column + CLEARED_PX + 1,
        ] = 0
    return found
