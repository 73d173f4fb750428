import cv2
import numpy as np
import pytest

from selfsame.imaging.quality import (
    measure_brightness,
    measure_contrast,
    measure_focus,
    measure_highlight_share,
    measure_sharpness,
)


@pytest.fixture
def texture() -> np.ndarray:
    return np.random.default_rng(7).integers(0, 256, (60, 80), dtype=np.uint8)


def test_blur_lowers_sharpness_and_focus(texture: np.ndarray) -> None:
    blurred = cv2.GaussianBlur(texture, (0, 0), 3)
    assert measure_sharpness(blurred) < measure_sharpness(texture) / 10
    assert measure_focus(blurred) < measure_focus(texture) / 2


def test_a_flat_image_has_no_sharpness_focus_or_contrast() -> None:
    flat = np.full((40, 40), 51, dtype=np.uint8)
    assert measure_sharpness(flat) == measure_focus(flat) == measure_contrast(flat) == 0
    assert measure_brightness(flat) == pytest.approx(0.2)


def test_focus_is_the_mean_power_of_daugmans_kernel(texture: np.ndarray) -> None:
    kernel = np.full((8, 8), -1.0)
    kernel[2:6, 2:6] = 3
    windows = np.lib.stride_tricks.sliding_window_view(texture.astype(float), (8, 8))
    response = np.einsum("ijkl,kl->ij", windows, kernel) / 48
    # float32 box filters against float64 sums
    assert measure_focus(texture) == pytest.approx(float(np.mean(response**2)), rel=1e-5)


def test_an_image_smaller_than_the_kernel_has_no_focus() -> None:
    assert measure_focus(np.zeros((7, 100), dtype=np.uint8)) == 0


def test_half_black_half_white_has_the_highest_contrast() -> None:
    image = np.repeat(np.array([[0, 255]], dtype=np.uint8), 4, axis=0)
    assert measure_contrast(image) == pytest.approx(0.5)
    assert measure_brightness(image) == pytest.approx(0.5)


def test_highlights_are_counted_as_a_share() -> None:
    image = np.zeros((10, 10), dtype=np.uint8)
    image[0, :5] = 255
    image[1, 0] = 244
    assert measure_highlight_share(image) == pytest.approx(0.05)
