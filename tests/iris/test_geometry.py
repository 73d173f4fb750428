import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.iris.geometry import Circle, IrisGeometry

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


@given(coordinates, coordinates, radii)
def test_scaling_by_one_changes_nothing_at_all(x, y, radius):
    assert Circle(x, y, radius).scaled(1.0) == Circle(x, y, radius)


@given(coordinates, coordinates, radii, st.floats(0.1, 10))
def test_scaling_there_and_back_changes_nothing(x, y, radius, factor):
    back = Circle(x, y, radius).scaled(factor).scaled(1 / factor)
    assert (back.x, back.y, back.radius) == pytest.approx((x, y, radius), abs=1e-6)
