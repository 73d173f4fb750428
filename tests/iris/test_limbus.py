import numpy as np
import pytest

from selfsame.errors import CaptureError
from selfsame.iris.geometry import Circle
from selfsame.iris.limbus import locate_limbus

PUPIL = Circle(158.0, 118.0, 24.0)


@pytest.mark.parametrize("radius", [44.0, 56.0, 68.0])
def test_limbus_is_found_at_every_distance(draw_eye, radius):
    found = locate_limbus(draw_eye(limbus=(160.0, 120.0, radius)), PUPIL)
    assert (found.x, found.y, found.radius) == pytest.approx((160, 120, radius), abs=2)


@pytest.mark.parametrize(("x", "y"), [(154.0, 118.0), (163.0, 118.0), (158.0, 122.0)])
def test_limbus_need_not_share_the_pupil_s_centre(draw_eye, x, y):
    found = locate_limbus(draw_eye(limbus=(x, y, 56.0)), PUPIL)
    assert (found.x, found.y, found.radius) == pytest.approx((x, y, 56), abs=2)


@pytest.mark.parametrize("lid_y", [72.0, 84.0, 92.0])
def test_upper_lid_does_not_pull_the_circle(draw_eye, lid_y):
    found = locate_limbus(draw_eye(upper_lid_y=lid_y), PUPIL)
    assert (found.x, found.y, found.radius) == pytest.approx((160, 120, 56), abs=2)


def test_limbus_is_found_where_lids_leave_only_its_sides(draw_eye):
    image = draw_eye(upper_lid_y=100.0)
    y, x = np.mgrid[:240, :320]
    image[y > 140 - (x - 160) ** 2 / 400] = 205
    found = locate_limbus(image, PUPIL)
    assert (found.x, found.y, found.radius) == pytest.approx((160, 120, 56), abs=2)


def test_dark_disc_without_an_iris_has_no_limbus():
    y, x = np.mgrid[:240, :320]
    disc = np.where(np.hypot(x - 160, y - 120) < 24, 20, 180).astype(np.uint8)
    with pytest.raises(CaptureError, match=r"no_limbus.*sclera"):
        locate_limbus(disc, Circle(160.0, 120.0, 24.0))


def test_sclera_on_one_side_only_is_refused(draw_eye):
    image = draw_eye()
    image[:, :158] = 95
    with pytest.raises(CaptureError, match="no_limbus"):
        locate_limbus(image, PUPIL)
