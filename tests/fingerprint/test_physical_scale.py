"""Normalisation at the scale of skin: the same canvas from sensors of any resolution."""

import numpy as np
import pytest

from selfsame.errors import CaptureError, InputError
from selfsame.fingerprint.normalisation import normalise_fingerprint


def measure_period(image: np.ndarray) -> float:
    """Measure the period along the row of a print of rings that runs through their centre."""
    power = np.abs(np.fft.rfft(image[image.shape[0] // 2].astype(float) - 128, 4096))
    return 4096 / power.argmax()


@pytest.mark.parametrize("dpi", [250.0, 400.0, 500.0, 569.0, 1000.0])
def test_ridges_have_the_period_of_skin_from_every_sensor(dpi, rings):
    scale = dpi / 500
    side = round(360 * scale)
    image = rings(side, side, (side / 2, side / 2), 150 * scale, 9 * scale)
    done = normalise_fingerprint(image, height=384, width=352, resolution_dpi=dpi, target_dpi=500.0)
    assert measure_period(done.image) == pytest.approx(9.0, rel=0.03)
    assert done.image.shape == done.mask.shape == (384, 352)


def test_the_print_comes_to_the_middle_of_the_canvas(rings):
    image = rings(374, 388, (120, 250), 90, 9.0)
    done = normalise_fingerprint(image, height=512, width=448, resolution_dpi=500.0, target_dpi=500.0)
    rows, columns = np.nonzero(done.mask)
    assert (columns.mean(), rows.mean()) == pytest.approx((224, 256), abs=8)
    assert (done.measures["centre_x"], done.measures["centre_y"]) == pytest.approx((120, 250), abs=8)


def test_what_is_larger_than_the_canvas_is_cropped_not_shrunk(rings):
    image = rings(640, 640, (320, 320), 300, 9.0)
    done = normalise_fingerprint(image, height=256, width=256, resolution_dpi=500.0, target_dpi=500.0)
    assert measure_period(done.image) == pytest.approx(9.0, rel=0.03)
    assert (done.mask > 0).mean() > 0.95


def test_centre_is_told_in_px_of_the_image(rings):
    image = rings(720, 720, (300, 400), 250, 18.0)
    done = normalise_fingerprint(image, height=512, width=448, resolution_dpi=1000.0, target_dpi=500.0)
    assert (done.measures["centre_x"], done.measures["centre_y"]) == pytest.approx((300, 400), abs=16)


def test_a_faint_print_is_taken(rings):
    image = rings(360, 360, (180, 180), 150, 9.0, 20.0)
    done = normalise_fingerprint(image, height=384, width=384, resolution_dpi=500.0, target_dpi=500.0)
    assert done.mask.any()


def test_resolution_alone_does_not_change_the_fit_to_size(rings):
    image = rings(103, 96, (48, 50), 44, 4.0)
    plain = normalise_fingerprint(image, height=96, width=96)
    told = normalise_fingerprint(image, height=96, width=96, resolution_dpi=500.0, target_dpi=None)
    assert np.array_equal(plain.image, told.image)
    assert np.array_equal(plain.mask, told.mask)
    assert plain.measures == told.measures


@pytest.mark.parametrize("dpi", [None, 0.0, -500.0, float("nan"), float("inf")])
def test_a_resolution_that_is_none_is_refused(dpi, rings):
    image = rings(360, 360, (180, 180), 150, 9.0)
    with pytest.raises(InputError, match="resolution_dpi over 0"):
        normalise_fingerprint(image, height=384, width=384, resolution_dpi=dpi, target_dpi=500.0)


def test_noise_is_refused():
    noise = np.random.default_rng(0).integers(0, 255, (360, 360)).astype(np.uint8)
    with pytest.raises(CaptureError, match="no_ridges"):
        normalise_fingerprint(noise, height=384, width=384, resolution_dpi=500.0, target_dpi=500.0)
