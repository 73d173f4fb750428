"""Identity must survive a second impression: checked by comparators that share no code with the package."""

import numpy as np
import pytest
from scipy import ndimage

from selfsame.fingerprint.distortion import distort_fingerprint
from selfsame.fingerprint.normalisation import normalise_fingerprint
from selfsame.sources.synthetic.fingerprint import impress, synthesise_master
from selfsame.sources.synthetic.fingerprint_model import FingerprintModel

FINGERS = 10


@pytest.fixture(scope="module")
def impressions(usual):
    """Two normalised impressions of each of ten fingers."""
    model = FingerprintModel(144, 128, 8.0, 0.06, 0.07, 0.28, 12)
    masters = [synthesise_master(np.random.default_rng(finger), model) for finger in range(FINGERS)]
    return [
        [
            normalise_fingerprint(
                impress(master, np.random.default_rng((finger, i)), usual), height=144, width=128
            )
            for i in range(2)
        ]
        for finger, master in enumerate(masters)
    ]


def test_mated_impressions_correlate_more_than_non_mated_ones(impressions, compare):
    mated = [compare(first.image, second.image) for first, second in impressions]
    non_mated = [
        compare(impressions[i][0].image, impressions[j][1].image) for i in range(FINGERS) for j in range(i)
    ]
    above = np.mean(np.array(mated)[:, None] > np.array(non_mated)[None, :])
    assert above > 0.98
    assert np.median(mated) > 1.5 * np.median(non_mated)


def test_minutiae_of_mated_impressions_agree_after_undoing_the_placement(impressions):
    mated = [match_minutiae(*pair) for pair in impressions]
    non_mated = [match_minutiae(impressions[i][0], impressions[(i + 1) % FINGERS][1]) for i in range(FINGERS)]
    assert np.mean(mated) > 0.5
    assert np.mean(non_mated) < 0.35


def test_distorted_drawing_resembles_itself_more_than_another(rings, usual, compare):
    first, other = rings(150, 150, (75, 100), 60, 8), rings(150, 150, (45, 75), 60, 9.5)
    images = [first, distort_fingerprint(first, np.random.default_rng(0), model=usual), other]
    fixed, moved, strange = (normalise_fingerprint(image, height=96, width=96).image for image in images)
    assert compare(fixed, moved) > compare(fixed, strange)


def match_minutiae(first, second, reach_px=6):
    """Share of the second print's minutiae that lie on one of the first's once it is registered on it."""
    angle_deg, shift = register(first.image, second.image)
    angle = np.deg2rad(angle_deg)
    middle = (np.array(first.image.shape[::-1]) - 1) / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    moved = (find_minutiae(second) - middle) @ turn.T + middle + shift
    x, y = np.clip(moved.astype(int), 0, np.array(first.image.shape[::-1]) - 1).T
    moved = moved[first.mask[y, x] > 0]
    distances = np.linalg.norm(moved[:, None] - find_minutiae(first)[None], axis=2)
    return np.mean(distances.min(axis=1) < reach_px)


def register(first, second):
    """Find the turn in degrees and the shift (x, y) that lay the second image on the first."""
    size = (256, 256)
    fixed = np.fft.rfft2(ndimage.gaussian_filter(first - 128.0, 1), size)
    found = []
    for angle in range(-18, 19, 2):
        turned = ndimage.rotate(second - 128.0, angle, reshape=False, order=1)
        surface = np.fft.irfft2(fixed * np.conj(np.fft.rfft2(ndimage.gaussian_filter(turned, 1), size)), size)
        y, x = np.unravel_index(surface.argmax(), size)
        found.append((surface.max(), angle, ((x + 128) % 256 - 128, (y + 128) % 256 - 128)))
    return max(found)[1:]


def find_minutiae(print_):
    """Find endings and bifurcations by the crossing number of the thinned ridges (Rutovitz, 1966)."""
    inside = ndimage.binary_erosion(print_.mask > 0, iterations=12)
    ridges = thin(ndimage.gaussian_filter(print_.image.astype(float), 1.2) < 128)
    around = neighbours(ridges)
    crossings = sum(np.abs(around[i] - around[i - 1]) for i in range(8)) // 2
    y, x = np.nonzero((ridges == 1) & np.isin(crossings, (1, 3)) & inside)
    return np.stack([x, y], axis=1).astype(float)


def thin(ridges):
    """Thin to one pixel (Zhang and Suen, A fast parallel algorithm for thinning digital patterns, 1984)."""
    ridges = ridges.astype(int)
    before = -1
    while before != ridges.sum():
        before = ridges.sum()
        for turn in (0, 2):
            n = neighbours(ridges)
            rises = sum((n[i - 1] == 0) & (n[i] == 1) for i in range(8))
            a, b = (
                (n[0] * n[2] * n[4], n[2] * n[4] * n[6])
                if turn == 0
                else (n[0] * n[2] * n[6], n[0] * n[4] * n[6])
            )
            ridges[(rises == 1) & (sum(n) >= 2) & (sum(n) <= 6) & (a == 0) & (b == 0)] = 0
    return ridges


def neighbours(image):
    """List the eight neighbours of every pixel, clockwise from the north."""
    framed = np.pad(image, 1)
    steps = [(0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0), (0, 0)]
    return [framed[y : y + image.shape[0], x : x + image.shape[1]] for y, x in steps]
