import numpy as np
import pytest

from selfsame.iris.geometry import Circle, IrisGeometry
from selfsame.iris.occlusion import fit_lids, mask_occlusions

EYE = IrisGeometry(Circle(158.0, 118.0, 24.0), Circle(160.0, 120.0, 56.0))


def annulus(shape=(240, 320)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside = np.hypot(x - EYE.limbus.x, y - EYE.limbus.y) < EYE.limbus.radius - 2
    return inside & (np.hypot(x - EYE.pupil.x, y - EYE.pupil.y) > EYE.pupil.radius + 2)


def test_open_eye_is_visible_all_over(draw_eye):
    mask = mask_occlusions(draw_eye(), EYE)
    assert (mask[annulus()] == 255).mean() > 0.93


def test_mask_is_empty_outside_the_annulus(draw_eye):
    mask = mask_occlusions(draw_eye(), EYE)
    y, x = np.mgrid[:240, :320]
    assert not mask[np.hypot(x - 160, y - 120) > 57].any()
    assert not mask[np.hypot(x - 158, y - 118) < 23].any()


@pytest.mark.parametrize("lid_y", [76.0, 84.0, 92.0])
def test_mask_ends_at_the_painted_lid(draw_eye, lid_y):
    mask = mask_occlusions(draw_eye(upper_lid_y=lid_y), EYE)
    y, x = np.mgrid[:240, :320]
    edge = lid_y + (x - 160) ** 2 / 400
    assert (mask[annulus() & (y < edge - 1)] == 0).mean() > 0.97
    assert (mask[annulus() & (y > edge + 6)] == 255).mean() > 0.93


def test_lid_outside_the_iris_hides_nothing(draw_eye):
    mask = mask_occlusions(draw_eye(upper_lid_y=50.0), EYE)
    assert (mask[annulus()] == 255).mean() > 0.93


def test_lids_of_an_even_grey_are_none():
    assert fit_lids(np.full((240, 320), 90, np.uint8), EYE) == (None, None)


def test_highlight_on_the_iris_is_hidden(draw_eye):
    mask = mask_occlusions(draw_eye(highlight=(195.0, 130.0)), EYE)
    y, x = np.mgrid[:240, :320]
    assert not mask[np.hypot(x - 195, y - 130) < 4].any()


def test_lashes_that_hang_into_the_iris_are_hidden(draw_eye):
    image = draw_eye()
    for column in range(135, 190, 8):
        image[60:95, column : column + 2] = 20
    mask = mask_occlusions(image, EYE)
    lashes = annulus() & (image == 20)
    assert (mask[lashes] == 0).mean() > 0.97


def test_dark_spot_in_the_middle_of_the_iris_is_texture(draw_eye):
    image = draw_eye()
    image[128:132, 194:198] = 50
    assert (mask_occlusions(image, EYE)[128:132, 194:198] == 255).all()
