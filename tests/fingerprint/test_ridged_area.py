"""The ridged area is found however faint its ink."""

import numpy as np
import pytest

from selfsame.errors import CaptureError
from selfsame.fingerprint.ridged_area import segment_ridges


@pytest.fixture
def disc(rings):
    return lambda contrast: rings(360, 360, (180, 180), 100, 9.0, contrast)


@pytest.mark.parametrize("contrast", [20.0, 60.0, 200.0])
def test_the_print_is_found_at_every_contrast(contrast, disc):
    found = segment_ridges(disc(contrast), 500.0)
    assert found.centre == pytest.approx((180, 180), abs=6)
    # A disc of radius 100 px; a window of cells sees ridges up to a cell and a half away.
    assert np.pi * 100**2 <= found.foreground_share * 360**2 <= np.pi * 122**2


@pytest.mark.parametrize("dpi", [250.0, 500.0, 1000.0])
def test_cells_are_as_large_on_skin_at_every_resolution(dpi, rings):
    scale = dpi / 500
    side = round(360 * scale)
    image = rings(side, side, (side / 2, side / 2), 100 * scale, 9 * scale)
    assert segment_ridges(image, dpi).cells.shape[0] == pytest.approx(30, abs=15)


def test_a_speck_beside_the_print_is_left_out(disc):
    image = disc(200.0)
    image[10:40, 10:40] = 0
    assert segment_ridges(image, 500.0).cells[:4, :4].max() == 0


def test_holes_inside_the_print_are_filled(disc):
    image = disc(200.0)
    image[160:200, 160:200] = 255
    assert segment_ridges(image, 500.0).cells[15, 15] == 255


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((300, 300), 240, np.uint8), "low_contrast"),
        (np.full((40, 300), 240, np.uint8), "too_small"),
        (np.pad(np.tile(np.array([0, 255], np.uint8), (24, 12)), 300, constant_values=255), "low_contrast"),
    ],
)
def test_what_holds_no_print_is_refused(image, reason):
    with pytest.raises(CaptureError, match=reason):
        segment_ridges(image, 500.0)
