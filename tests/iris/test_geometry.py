import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.iris.geometry import Circle, IrisGeometry, fit_circles

coordinates = st.floats(-500, 500)
radii = st.floats(1, 300)


@pytest.mark.parametrize("radius", [0.0, -3.0, math.nan, math.inf])
def test_circle_without_a_positive_radius_is_refused(radius):
    with pytest.raises(ValueError, match="positive radius"):
        Circle(1.0, 2.0, radius)


@pytest.mark.parametrize("pupil", [Circle(0, 0, 60), Circle(40, 0, 20)], ids=["larger", "across the limbus"])
def test_pupil_that_leaves_the_limbus_is_refused(pupil):
    with pytest.raises(ValueError, match="pupil inside the limbus"):
        IrisGeometry(pupil, Circle(0, 0, 50))


def test_dilation_is_the_ratio_of_the_radii():
    assert IrisGeometry(Circle(0, 0, 20), Circle(1, 1, 50)).dilation == pytest.approx(0.4)


def test_scaling_keeps_the_middle_of_the_first_pixel_half_a_pixel_in():
    assert Circle(0.0, 0.0, 1.0).scaled(2.0) == Circle(0.5, 0.5, 2.0)


@given(coordinates, coordinates, radii, st.floats(0.1, 10))
def test_scaling_there_and_back_changes_nothing(x, y, radius, factor):
    back = Circle(x, y, radius).scaled(factor).scaled(1 / factor)
    assert (back.x, back.y, back.radius) == pytest.approx((x, y, radius), abs=1e-6)


@given(coordinates, coordinates, radii)
def test_circle_is_found_again_from_points_on_it(x, y, radius):
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    points = x + radius * np.cos(angle), y + radius * np.sin(angle)
    fitted = fit_circles(points[0][None], points[1][None], np.ones((1, 12), bool))
    assert fitted[0] == pytest.approx((x, y, radius), abs=1e-6)


def test_points_that_do_not_count_do_not_move_the_circle():
    angle = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    x, y = np.cos(angle), np.sin(angle)
    x[0], keep = 50.0, np.arange(8) > 0
    assert fit_circles(x[None], y[None], keep[None])[0] == pytest.approx((0, 0, 1), abs=1e-9)


def test_points_on_a_line_get_radius_zero():
    line = np.arange(5.0)[None]
    assert fit_circles(line, 2 * line, np.ones((1, 5), bool))[0, 2] == 0
