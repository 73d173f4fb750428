"""Find the pupil: a dark disc, whatever shines in it and whatever lashes hang over it.

1. Highlights are closed by a grey opening (they are bright and smaller than a pupil).
2. Every strong gradient votes for the centres that lie on its dark side (Loy and Zelinsky, "Fast radial
   symmetry for detecting points of interest", 2003): lashes are dark too, but they are not round.
3. Around the best centres a circle is fitted to the steepest rise of grey along each ray, again and again,
   leaving out the rays that disagree (an iterated form of Daugman's integro-differential operator, "High
   confidence visual recognition of persons by a test of statistical independence", 1993).
4. The candidate that is darkest against its surround, on most rays, is the pupil.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.iris.geometry import Circle, fit_circles
from selfsame.iris.rays import cast_rays, radial_rise, unit_circle

# Shares of the image's shorter side.
RADIUS_RANGE = (0.033, 0.25)
HIGHLIGHT_SHARE = 0.05
RAYS = 72
CANDIDATES = 6
# Rays that point up more steeply than this often end in a lid, whose edge is a rise too: the others decide.
LID_DEGREES = 45.0
# A circle that the lower rays move further than this, as a share of its radius, is kept as it was.
MAX_CHANGE = 0.2
# A ray agrees with the circle when its edge lies within this share of the radius (and 1.5 px at least).
AGREEMENT_SHARE = 0.07
MIN_AGREEMENT = 0.5
# Grey levels between the inside of the pupil and the ring around it; sensor noise is a part of it.
MIN_CONTRAST = 6.0
# A pupil is flat: the range of grey inside it as a share of its contrast.
MAX_UNEVENNESS = 0.7


def close_highlights(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Replace bright spots that are smaller than a twentieth of the image by their surround.

    Args:
        image: (h, w) uint8.

    Returns:
        (h, w) uint8.
    """
    side = 2 * round(HIGHLIGHT_SHARE * min(image.shape) / 2) + 1
    opened = cv2.morphologyEx(image, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    return np.asarray(opened, dtype=np.uint8)


def locate_pupil(image: NDArray[np.uint8]) -> Circle:
    """Find the pupil's circle to a fraction of a pixel.

    Args:
        image: (h, w) uint8 with highlights closed.

    Raises:
        CaptureError: `no_pupil` where no dark disc stands out.
    """
    circles = _vote_centres(image)
    every_ray = np.ones(RAYS, bool)
    for spread in (0.35, 0.3, 0.25, 0.2):
        circles, agreement = _refine(image, circles, spread, every_ray)
    contrast = _contrast(image, circles)
    low, high = RADIUS_RANGE[0] * min(image.shape), RADIUS_RANGE[1] * min(image.shape)
    sane = (circles[:, 2] >= low) & (circles[:, 2] <= high)
    score = np.where(sane, agreement**2 * contrast, -np.inf)
    accepted = sane & (agreement >= MIN_AGREEMENT) & (contrast >= MIN_CONTRAST)
    if not accepted.any():
        best = int(score.argmax())
        raise CaptureError(
            "no_pupil",
            f"expected a flat dark disc, {MIN_CONTRAST:.0f} levels below its surround on {MIN_AGREEMENT:.0%}"
            f" of the rays, got {contrast[best]:.0f} levels on {agreement[best]:.0%}:"
            " is this a near-infrared image of one open eye?",
        )
    x, y, radius = _leave_lid(image, circles[_innermost(circles, np.where(accepted, score, -np.inf))])
    return Circle(float(x), float(y), float(radius))


def _leave_lid(image: NDArray[np.uint8], circle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit a circle, (3,) x, y, radius, once more without the rays that a lid may cut."""
    sideways_or_down = unit_circle(RAYS)[1] > -np.sin(np.deg2rad(LID_DEGREES))
    fitted = circle[None]
    for _ in range(2):
        fitted, agreement = _refine(image, fitted, MAX_CHANGE, sideways_or_down)
        moved = max(abs(fitted[0, 2] - circle[2]), float(np.hypot(*(fitted[0, :2] - circle[:2]))))
        if agreement[0] < MIN_AGREEMENT or moved > MAX_CHANGE * circle[2]:
            return circle
    return np.asarray(fitted[0])


def _innermost(circles: NDArray[np.float64], score: NDArray[np.float64]) -> int:
    """Return the best candidate, or a smaller one inside it that is half as good: the limbus is round too."""
    best = int(score.argmax())
    apart = np.hypot(circles[:, 0] - circles[best, 0], circles[:, 1] - circles[best, 1])
    nested = (apart + circles[:, 2] < circles[best, 2]) & (circles[:, 2] > 0.2 * circles[best, 2])
    nested &= score > 0.33 * score[best]
    return int(np.where(nested, score, -np.inf).argmax()) if nested.any() else best


def _vote_centres(image: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return the best circles by votes of the gradients, (CANDIDATES, 3) x, y, radius in px."""
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(half, (5, 5), 0)
    gradient_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    gradient_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    strength = cv2.magnitude(gradient_x, gradient_y)
    rows, columns = np.nonzero(strength > max(float(np.quantile(strength[::3, ::3], 0.8)), 16.0))
    height, width = half.shape
    side = min(height, width)
    radii = np.arange(RADIUS_RANGE[0] * side, RADIUS_RANGE[1] * side, 1.5).astype(np.float32)[:, None]
    norm = strength[rows, columns]
    x = np.rint(columns - radii * (gradient_x[rows, columns] / norm)).astype(np.int32)
    y = np.rint(rows - radii * (gradient_y[rows, columns] / norm)).astype(np.int32)
    plane = np.arange(radii.size, dtype=np.int32)[:, None] // 2
    planes = int(plane.max()) + 1
    cells = (plane * height + y) * width + x
    cells = cells[(x >= 0) & (x < width) & (y >= 0) & (y < height)]
    votes = np.bincount(cells, minlength=planes * height * width).reshape(planes, height, width)
    # The share of pixels that are brighter: a pupil is among the darkest, whatever the exposure.
    histogram = np.bincount(smooth.ravel(), minlength=256)
    brighter = (1 - np.cumsum(histogram) / smooth.size).astype(np.float32)
    return _peaks(votes.astype(np.float32) * brighter[smooth] ** 2, radii.ravel())


def _peaks(votes: NDArray[np.float32], radii: NDArray[np.float32]) -> NDArray[np.float64]:
    """Take the highest cells one after the other, each clearing its neighbourhood in its plane."""
    found = np.zeros((CANDIDATES, 3))
    blurred = np.empty_like(votes)
    for plane in range(len(votes)):
        # A ring of radius r casts about 2πr votes, chance gives votes as their square root.
        cv2.GaussianBlur(votes[plane], (5, 5), 0, dst=blurred[plane])
        blurred[plane] /= np.sqrt(radii[2 * plane])
    for i in range(CANDIDATES):
        plane, row, column = (int(index) for index in np.unravel_index(blurred.argmax(), blurred.shape))
        found[i] = 2 * column + 0.5, 2 * row + 0.5, 2 * radii[2 * plane] + 1.5
        blurred[max(plane - 1, 0) : plane + 2, max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5] = 0
    return found


def _refine(
    image: NDArray[np.uint8], circles: NDArray[np.float64], spread: float, usable: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit each circle anew to the steepest rise along its rays, leaving out the rays that disagree.

    Args:
        image: (h, w) uint8.
        circles: (c, 3) x, y, radius.
        spread: how far from the old radius edges are looked for, as a share of it.
        usable: (RAYS,) which rays count.

    Returns:
        (c, 3) the new circles, and (c,) the share of the usable rays that agree with each.
    """
    shares = np.linspace(1 - spread, 1 + spread, 41)
    rise = radial_rise(cast_rays(image, circles, shares, RAYS))
    edge = shares[rise.argmax(axis=2)] * circles[:, 2:]
    cos, sin = unit_circle(RAYS)
    x, y = circles[:, :1] + edge * cos, circles[:, 1:2] + edge * sin
    keep = np.abs(edge - np.median(edge[:, usable], axis=1, keepdims=True)) <= 0.25 * circles[:, 2:]
    keep &= usable
    fitted = circles
    for tolerance in (2.5, 1.5, 1.0):
        fitted = fit_circles(x, y, keep)
        miss = np.abs(np.hypot(x - fitted[:, :1], y - fitted[:, 1:2]) - fitted[:, 2:])
        keep = usable & (miss <= tolerance * np.maximum(1.5, AGREEMENT_SHARE * fitted[:, 2:]))
    return fitted, keep[:, usable].mean(axis=1)


def _contrast(image: NDArray[np.uint8], circles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how many grey levels the ring around each circle is brighter than the disc, (c,).

    Lower quartile of the ring minus upper quartile of the disc, minus half the disc's own range:
    a disc that is dark on one side only, or is a ring around a darker disc, gets little. One that is not flat
    gets 0.
    """
    inside = cast_rays(image, circles, np.array([0.2, 0.4, 0.6, 0.8]), RAYS).reshape(len(circles), -1)
    ring = cast_rays(image, circles, np.array([1.2, 1.3]), RAYS).mean(axis=2)
    low, high = np.quantile(inside, (0.1, 0.75), axis=1)
    contrast = np.asarray(np.quantile(ring, 0.25, axis=1) - high - 0.5 * (high - low))
    return np.where(high - low <= MAX_UNEVENNESS * contrast, contrast, 0.0)
