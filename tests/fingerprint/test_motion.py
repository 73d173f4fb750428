"""Motions are recovered from the pairs that they moved."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.fingerprint.motion import Motion, fit_motion

ANGLES = st.floats(-3, 3)
SHIFTS = st.floats(-200, 200)


def scatter(seed=0, count=12):
    rng = np.random.default_rng(seed)
    place = (rng.uniform(0, 400, count) + 1j * rng.uniform(0, 400, count)).astype(np.complex64)
    return place, np.exp(1j * rng.uniform(-np.pi, np.pi, count)).astype(np.complex64)


@given(ANGLES, SHIFTS, SHIFTS)
def test_the_motion_of_moved_pairs_is_found(angle, x, y):
    place, direction = scatter()
    turn = np.exp(1j * angle)
    moved = (turn * place + complex(x, y))[None].astype(np.complex64)
    turned = (turn * direction)[None].astype(np.complex64)
    found = fit_motion((place, direction), (moved, turned), np.ones((1, 12), np.float32), 30.0)
    assert np.abs(found.move(place) - moved).max() < 0.05  # float32 of places up to 700
    assert np.abs(found.move_back(moved) - place).max() < 0.05


def test_pairs_without_weight_do_not_count():
    place, direction = scatter()
    moved, turned = (place + 10)[None].copy(), direction[None]
    moved[0, 0] += 500
    weight = np.ones((1, 12), np.float32)
    weight[0, 0] = 0
    found = fit_motion((place, direction), (moved, turned), weight, 30.0)
    assert found.shift[0] == pytest.approx(10, abs=0.05)


def test_no_weight_at_all_gives_no_rotation():
    place, direction = scatter()
    found = fit_motion((place, direction), (place[None], direction[None]), np.zeros((1, 12), np.float32), 30)
    assert found.turn[0] == 1


def test_move_back_undoes_move():
    motion = Motion(np.exp([0.4j, -1.2j]).astype(np.complex64), np.array([5 + 3j, -40], np.complex64))
    place = scatter()[0]
    assert motion.move_back(motion.move(place)) == pytest.approx(np.stack([place, place]), abs=1e-3)
