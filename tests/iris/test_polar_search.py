import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.iris.polar_search import STEP, lay_grid


def draw_rise(x, y, radius):
    """The rise of a circle about (x, y), all in radii of the pupil: a ridge some steps wide on every ray."""
    points = lay_grid().points
    off = np.log(np.hypot(points.x - x, points.y - y) / radius) / STEP
    rise = np.exp(-((off / 3) ** 2)).astype(np.float32)
    rise[[0, -1]] = 0
    return rise


@given(st.floats(-0.1, 0.1), st.floats(-0.04, 0.04), st.floats(1.6, 4.5))
def test_circle_is_found_again_to_a_step(x, y, radius):
    found_x, found_y, found, across = lay_grid().search(draw_rise(x * radius, y * radius, radius), 1.25, 6)
    assert found == pytest.approx(radius, abs=1.5 * STEP * radius)
    assert (found_x, found_y) == pytest.approx((x * radius, y * radius), abs=2.5 * STEP * radius)
    assert across.mean() > 0.7


def test_ray_agrees_that_rises_a_step_off_the_circle():
    inner, outer = draw_rise(0.0, 0.0, 2.4) ** 9, draw_rise(0.0, 0.0, 2.4 * np.exp(STEP)) ** 9
    inner[:, ::2] = outer[:, ::2]
    *_, across = lay_grid().search(inner, 1.25, 6)
    assert (across > 0.7).all()


def test_radius_stays_in_the_range():
    *_, radius, _ = lay_grid().search(draw_rise(0.0, 0.0, 3.0), 1.5, 2.0)
    assert 1.4 < radius < 2.1


def test_circle_holds_the_pupil():
    x, y, radius, _ = lay_grid().search(draw_rise(0.3, 0.0, 1.3), 1.25, 6)
    assert np.hypot(x, y) + 1.05 <= radius


def test_of_two_circles_the_usual_one_is_taken():
    rise = np.maximum(draw_rise(0.0, 0.0, 2.4), draw_rise(0.0, 0.0, 5.5))
    assert lay_grid().search(rise, 1.25, 6)[2] == pytest.approx(2.4, rel=0.03)


def test_points_end_beyond_the_greatest_radius():
    grid = lay_grid()
    some = grid.points_to(3.0)
    assert np.hypot(some.x[-1], some.y[-1]).min() > 3.0
    assert len(some.x) < len(grid.points.x)
