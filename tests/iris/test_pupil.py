import numpy as np
import pytest

from selfsame.errors import CaptureError
from selfsame.iris.pupil import close_highlights, locate_pupil

# The drawn circles are blurred and noisy; a ray's edge is read to half a pixel.
CENTRE_PX = RADIUS_PX = 1.5


def locate(image):
    return locate_pupil(close_highlights(image))


@pytest.mark.parametrize("radius", [14.0, 20.0, 28.0, 38.0])
def test_pupil_is_found_at_every_dilation(draw_eye, radius):
    found = locate(draw_eye(pupil=(158.0, 118.0, radius)))
    assert (found.x, found.y) == pytest.approx((158, 118), abs=CENTRE_PX)
    assert found.radius == pytest.approx(radius, abs=RADIUS_PX)


@pytest.mark.parametrize(("x", "y"), [(110.0, 110.0), (205.0, 128.0), (160.0, 105.0)])
def test_pupil_is_found_wherever_the_eye_looks(draw_eye, x, y):
    found = locate(draw_eye(pupil=(x - 2, y, 24.0), limbus=(x, y, 56.0)))
    assert (found.x, found.y, found.radius) == pytest.approx((x - 2, y, 24), abs=CENTRE_PX)


@pytest.mark.parametrize("lid_y", [98.0, 102.0, 106.0])
def test_lid_that_cuts_the_pupil_does_not_move_it(draw_eye, lid_y):
    found = locate(draw_eye(upper_lid_y=lid_y))
    assert (found.x, found.y, found.radius) == pytest.approx((158, 118, 24), abs=1)


def test_pupil_of_a_faint_picture_is_found(draw_eye):
    found = locate((draw_eye() * 0.12 + 100).astype(np.uint8))
    assert (found.x, found.y, found.radius) == pytest.approx((158, 118, 24), abs=CENTRE_PX)


@pytest.mark.parametrize("highlight", [(155.0, 122.0), (150.0, 112.0), (176.0, 132.0)])
def test_highlight_in_or_on_the_edge_of_the_pupil_does_not_move_it(draw_eye, highlight):
    found = locate(draw_eye(highlight=highlight))
    assert (found.x, found.y, found.radius) == pytest.approx((158, 118, 24), abs=CENTRE_PX)


def test_limbus_is_not_taken_for_the_pupil(draw_eye):
    """A faint pupil in a dark iris with a bright sclera: the limbus is the stronger circle."""
    faint = draw_eye().astype(np.int16)
    faint[faint < 130] = (faint[faint < 130] * 0.5).astype(np.int16)
    assert locate(faint.astype(np.uint8)).radius == pytest.approx(24, abs=RADIUS_PX)


@pytest.mark.parametrize("radius", [16.0, 24.0, 32.0])
def test_pupil_that_hardly_stands_out_in_a_dark_iris_is_found(draw_eye, radius):
    dark = draw_eye(pupil=(158.0, 118.0, radius)).astype(np.int16)
    dark[dark < 130] = (dark[dark < 130] * 0.35).astype(np.int16)
    assert locate(dark.astype(np.uint8)).radius == pytest.approx(radius, abs=RADIUS_PX)


def test_closing_highlights_removes_small_bright_spots_only():
    image = np.full((240, 320), 20, np.uint8)
    image[50:58, 50:58] = 255
    image[120:200, 120:200] = 180
    closed = close_highlights(image)
    assert closed[54, 54] == 20
    assert closed[160, 160] == 180


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_image_has_no_pupil(level):
    with pytest.raises(CaptureError, match="no_pupil"):
        locate(np.full((240, 320), level, np.uint8))


def test_noise_has_no_pupil():
    noise = np.random.default_rng(0).integers(0, 256, (240, 320)).astype(np.uint8)
    with pytest.raises(CaptureError, match="no_pupil"):
        locate(noise)


@pytest.mark.parametrize("period_px", [6, 9, 14, 25])
def test_stripes_have_no_pupil(period_px):
    columns = 128 + 100 * np.sin(np.arange(320) * 2 * np.pi / period_px)
    with pytest.raises(CaptureError, match="no_pupil"):
        locate(np.tile(columns.astype(np.uint8), (240, 1)))
