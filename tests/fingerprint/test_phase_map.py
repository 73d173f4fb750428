"""Ridges agree with themselves, also where they are stretched, and not with others."""

import numpy as np
import pytest

from selfsame.fingerprint.encoding import encode_prints
from selfsame.fingerprint.motion import Motion
from selfsame.fingerprint.phase_map import compare_phases, cover, shape_phases, shape_points
from selfsame.fingerprint.template import unpack

STILL = Motion(np.ones(1, np.complex64), np.zeros(1, np.complex64))


@pytest.fixture(scope="module")
def read(settings):
    return lambda array: unpack(encode_prints(array[None], settings), settings).phases


def test_a_print_agrees_with_itself(ridges, scattered, read):
    own = read(ridges(scattered(0)))
    assert compare_phases(STILL, own, own)[0] > 0.95


def test_a_shift_of_part_of_a_ridge_is_forgiven(ridges, scattered, read):
    own, other = read(ridges(scattered(0))), read(ridges(scattered(0), shift=(0.0, 3.0)))
    assert compare_phases(STILL, own, other)[0] > 0.8


def test_a_turned_print_agrees_after_the_motion_only(ridges, scattered, read):
    turn = np.exp(1j * np.deg2rad(20))
    own, other = read(ridges(scattered(0))), read(ridges(scattered(0), turn_rad=np.deg2rad(20)))
    middle = 160 + 160j
    motion = Motion(np.array([turn], np.complex64), np.array([middle - turn * middle], np.complex64))
    assert compare_phases(motion, own, other)[0] > 0.9
    assert compare_phases(STILL, own, other)[0] < 0.6


def test_other_ridges_agree_less(ridges, scattered, read):
    own, other = read(ridges(scattered(0))), read(ridges(scattered(9), turn_rad=0.6, period=8.0))
    assert compare_phases(STILL, own, other)[0] < 0.6


def test_prints_that_do_not_overlap_agree_in_nothing(ridges, scattered, read):
    own = read(ridges(scattered(0)))
    away = Motion(np.ones(1, np.complex64), np.array([4000], np.complex64))
    assert compare_phases(away, own, own)[0] == 0


def test_inverted_ridges_agree(ridges, scattered, read):
    array = ridges(scattered(0))
    inverted = np.stack([255 - array[0], array[1]])
    assert compare_phases(STILL, read(array), read(inverted))[0] > 0.95


def test_cover_tells_places_on_the_print(ridges, scattered, read):
    own = read(ridges(scattered(0)))
    places = np.array([[160 + 160j, 5 + 5j, -40 + 160j, 160 + 4000j]], np.complex64)
    assert cover(own, places).tolist() == [[True, False, False, False]]


def test_points_fill_whole_windows(settings):
    rows, columns = shape_points(settings.phase)
    assert (rows % 4, columns % 4) == (0, 0)
    assert shape_phases(settings.phase) == (settings.phase.height_px // 2, settings.phase.width_px // 2)
