"""Cylinders do not depend on where a print lies and how it is turned."""

import numpy as np
import pytest

from selfsame.fingerprint.cylinders import build_cylinders, list_places
from selfsame.fingerprint.minutiae import Minutiae


def make_minutiae(place, direction):
    count = len(place)
    return Minutiae(
        place.real.astype(np.float32),
        place.imag.astype(np.float32),
        np.angle(np.exp(1j * direction)).astype(np.float32),
        np.ones(count, bool),
        np.ones(count, np.float32),
    )


@pytest.fixture
def scene(scattered):
    points = scattered(5, count=20)
    direction = np.random.default_rng(5).uniform(-np.pi, np.pi, len(points))
    return points[:, 0] + 1j * points[:, 1], direction


@pytest.mark.parametrize("turn_deg", [0, 40, 170])
def test_moved_minutiae_have_the_same_cylinders(turn_deg, scene, settings):
    place, direction = scene
    turn = np.deg2rad(turn_deg)
    still = build_cylinders(make_minutiae(place, direction), settings.cylinders)
    moved = make_minutiae(place * np.exp(1j * turn) + 300 + 200j, direction + turn)
    again = build_cylinders(moved, settings.cylinders)
    both = still.valid & again.valid
    assert (still.valid == again.valid).mean() > 0.999  # a place on the hull's very edge may tip
    assert again.cells[both] == pytest.approx(still.cells[both], abs=2e-3)


def test_a_neighbour_fills_the_cells_at_its_place_and_turn(settings):
    place = np.array([0, 40j, 30, -30])
    direction = np.array([0.0, np.pi, 0.0, 0.0])
    built = build_cylinders(make_minutiae(place, direction), settings.cylinders)
    # From the first one, a neighbour straight to its right hand (y down), facing the other way.
    places = list_places(settings.cylinders)
    nearest = np.hypot(places[:, 0], places[:, 1] - 40).argmin()
    fill = built.cells[0, nearest]
    # The turn is half a circle, where the first and the last section meet and share it.
    assert fill[[0, -1]].min() > 0.5
    assert fill[1:-1].max() < 0.1


def test_cells_far_from_all_neighbours_are_empty(settings):
    place = np.array([0, 40j, 30, -30])
    built = build_cylinders(make_minutiae(place, np.zeros(4)), settings.cylinders)
    far = list_places(settings.cylinders)[:, 1] < -45
    assert built.cells[0, far].max() < 0.02


def test_places_outside_the_hull_are_not_valid(scene, settings):
    place, direction = scene
    narrow = settings.cylinders.model_copy(update={"hull_px": 0.0})
    wide = build_cylinders(make_minutiae(place, direction), settings.cylinders)
    tight = build_cylinders(make_minutiae(place, direction), narrow)
    assert not (tight.valid & ~wide.valid).any()
    assert tight.valid.sum() < wide.valid.sum()
    assert (tight.cells[~tight.valid] == 0).all()


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_minutiae_have_no_usable_cylinder(count, scene, settings):
    place, direction = scene
    built = build_cylinders(make_minutiae(place[:count], direction[:count]), settings.cylinders)
    assert not built.usable.any()
