import numpy as np
import pytest

from selfsame.iris.candidates import COUNT, propose_pupils


def near(circles, x, y, radius):
    """Which circles a rough fit would bring to (x, y, radius)."""
    apart = np.hypot(circles[:, 0] - x, circles[:, 1] - y)
    return (apart < 0.35 * radius) & (np.abs(np.log(circles[:, 2] / radius)) < 0.3)


@pytest.mark.parametrize("radius", [11.0, 16.0, 24.0, 36.0])
def test_pupil_is_among_the_candidates_at_every_dilation(draw_eye, radius):
    assert near(propose_pupils(draw_eye(pupil=(158.0, 118.0, radius)), 8, 60), 158, 118, radius).any()


@pytest.mark.parametrize(("x", "y"), [(70.0, 110.0), (250.0, 128.0), (160.0, 100.0)])
def test_pupil_is_among_the_candidates_everywhere(draw_eye, x, y):
    assert near(propose_pupils(draw_eye(pupil=(x, y, 24.0), limbus=(x, y, 56.0)), 8, 60), x, y, 24).any()


def test_radii_lie_in_the_range_and_centres_in_the_picture(draw_eye):
    circles = propose_pupils(draw_eye(), 10, 50)
    assert circles.shape == (COUNT, 3)
    assert ((circles[:, 2] > 9.9) & (circles[:, 2] < 50)).all()
    assert ((circles[:, :2] > -3) & (circles[:, :2] < [323, 243])).all()


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_picture_gives_circles_and_no_error(level):
    assert np.isfinite(propose_pupils(np.full((240, 320), level, np.uint8), 8, 60)).all()
