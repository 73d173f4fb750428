"""Minutiae that are drawn at known places are found there, with their direction and type."""

import numpy as np
import pytest

from selfsame.fingerprint.enhancement import enhance
from selfsame.fingerprint.minutiae import find_minutiae

MIDDLE = (320 - 1) / 2 + 0.5  # pixel i covers i to i + 1


def extract(array, settings, **changes):
    levels = (array[0].astype(np.float32) - 128) / 64
    found = enhance(levels, array[1], settings.ridges)
    return find_minutiae(found, settings.minutiae.model_copy(update=changes))


@pytest.mark.parametrize("turn_deg", [0, 30, 75, 140])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_minutia_is_found_at_its_place_with_its_direction(turn_deg, sign, ridges, settings):
    turn = np.deg2rad(turn_deg)
    array = ridges(np.array([[20.0, -10.0, sign]]), turn_rad=turn, bend_px=np.inf)
    found = extract(array, settings)
    place = (20 - 10j) * np.exp(1j * turn)
    assert found.x.size == 1
    assert found.x[0] - MIDDLE == pytest.approx(place.real, abs=2)
    assert found.y[0] - MIDDLE == pytest.approx(place.imag, abs=2)
    # The phase grows with y, and so does the angle around the point where x > 0: there is a ridge more.
    expected = turn + (0 if sign > 0 else np.pi)
    assert np.cos(found.direction_rad[0] - expected) > np.cos(np.deg2rad(10))


def count_dark_lines(column: np.ndarray) -> int:
    dark = column < 128
    return int((dark[1:] & ~dark[:-1]).sum())


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_direction_points_to_the_side_with_one_ridge_more(sign, ridges, settings):
    array = ridges(np.array([[0.0, 0.0, sign]]), bend_px=np.inf)
    found = extract(array, settings)
    ahead, behind = (array[0][30:290, round(MIDDLE + side * 8)] for side in (1, -1))
    more = count_dark_lines(ahead) - count_dark_lines(behind)
    assert np.sign(np.cos(found.direction_rad[0])) == np.sign(more)


def test_inverting_the_print_swaps_ending_and_bifurcation(ridges, settings):
    array = ridges(np.array([[0.0, 0.0, 1.0]]), bend_px=np.inf)
    inverted = np.stack([255 - array[0], array[1]])
    assert extract(array, settings).ending[0] != extract(inverted, settings).ending[0]


def test_a_ridge_that_is_drawn_to_stop_is_an_ending(settings):
    y, x = np.mgrid[:200, :200] - 99.5
    # The dark ridge at y = 4.5 fades from x = 0 to 60, where a valley has taken its place.
    gap = np.clip(x / 60, 0, 1) * 4.5 * np.sign(y - 4.5) * np.exp(-np.abs(y - 4.5) / 40)
    lines = 128 + 90 * np.cos(2 * np.pi * (y + gap) / 9)
    array = np.stack([np.rint(lines), np.full((200, 200), 255)]).astype(np.uint8)
    found = extract(array, settings, border_px=40.0)
    assert found.ending.tolist() == [True]
    assert abs(np.cos(found.direction_rad[0] - np.pi)) > 0.9


def test_straight_ridges_have_no_minutiae(ridges, settings):
    assert extract(ridges(np.empty((0, 3)), bend_px=np.inf), settings).x.size == 0


def test_every_scattered_minutia_is_found(ridges, scattered, settings):
    points = scattered(3)
    found = extract(ridges(points), settings)
    apart = np.hypot(found.x[:, None] - MIDDLE - points[:, 0], found.y[:, None] - MIDDLE - points[:, 1])
    assert (apart.min(axis=0) < 4).mean() >= 0.9
    assert found.x.size <= len(points) + 2


def test_two_minutiae_that_face_each_other_closely_are_a_broken_ridge(ridges, settings):
    points = np.array([[-3.0, 0.0, 1.0], [3.0, 0.0, -1.0]])
    assert extract(ridges(points, bend_px=np.inf), settings).x.size == 0


def test_no_minutia_is_taken_at_the_end_of_the_print(ridges, scattered, settings):
    array = ridges(scattered(1))
    found = extract(array, settings, border_px=30.0)
    assert found.x.size > 5
    assert np.hypot(found.x - MIDDLE, found.y - MIDDLE).max() < 140 - 28


def test_the_best_are_kept_where_there_are_too_many(ridges, scattered, settings):
    array = ridges(scattered(1))
    every, few = extract(array, settings), extract(array, settings, most=5)
    assert few.quality.tolist() == every.quality[:5].tolist()
    assert (np.diff(every.quality) <= 0).all()


def test_an_empty_mask_has_no_ridges(settings):
    assert enhance(np.zeros((64, 64), np.float32), np.zeros((64, 64), np.uint8), settings.ridges) is None
