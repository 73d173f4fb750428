import numpy as np
import pytest

from selfsame.errors import CaptureError
from selfsame.fingerprint.segmentation import require_ridges, segment_print


def test_share_of_a_disc_is_its_area(rings):
    found = segment_print(rings(160, 160, (80, 80), 60, 8))
    # The window of the ink widens the outline by up to one cell of 4 px.
    assert np.pi * 60**2 / 160**2 - 0.01 < found.foreground_share < np.pi * 66**2 / 160**2


def test_centre_is_the_middle_of_the_disc(rings):
    found = segment_print(rings(160, 144, (60, 90), 40, 8))
    np.testing.assert_allclose(found.centre, (60, 90), atol=2)


def test_faint_part_counts_as_print_beside_a_saturated_one(rings):
    image = rings(160, 160, (80, 80), 70, 8, contrast=120)
    image[100:140, 50:110] = 0
    assert segment_print(image).cells[8, 20] == 255


def test_print_that_fills_the_image_is_all_print(rings):
    found = segment_print(rings(120, 100, (-40, 60), 300, 8))
    assert found.foreground_share == 1
    assert found.ridge_coherence > 0.9


def test_parallel_ridges_have_coherence_near_one_and_noise_near_none(rings):
    stripes = np.broadcast_to((127 + 120 * np.cos(np.arange(128) * 2 * np.pi / 8)), (128, 128)).astype(
        np.uint8
    )
    stripes = np.pad(stripes, 16, constant_values=255)
    assert segment_print(stripes).ridge_coherence > 0.95
    noisy = np.pad(
        np.random.default_rng(0).integers(0, 256, (128, 128), dtype=np.uint8), 16, constant_values=255
    )
    assert segment_print(noisy).ridge_coherence < 0.24


@pytest.mark.parametrize("side", [96, 160, 384])
def test_coherence_hardly_depends_on_the_resolution(rings, side):
    found = segment_print(rings(side, side, (side / 2, side / 2), side * 0.45, side / 20))
    assert found.ridge_coherence == pytest.approx(0.9, abs=0.1)


def test_print_without_parallel_ridges_is_refused():
    noise = np.random.default_rng(1).integers(0, 256, (128, 128), dtype=np.uint8)
    found = segment_print(np.pad(noise, 16, constant_values=255))
    with pytest.raises(CaptureError, match="no_ridges: expected a ridge coherence of at least") as caught:
        require_ridges(found)
    assert caught.value.reason == "no_ridges"


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.full((103, 96), 255, np.uint8), "low_contrast"),
        (np.zeros((103, 96), np.uint8), "low_contrast"),
        (np.full((31, 96), 128, np.uint8), "too_small"),
        (np.pad(np.zeros((12, 12), np.uint8), 80, constant_values=255), "no_print"),
    ],
)
def test_empty_sensor_is_refused_with_its_reason(image, reason):
    with pytest.raises(CaptureError, match=f"^{reason}: expected") as caught:
        segment_print(image)
    assert caught.value.reason == reason


def test_noise_lies_clearly_under_the_threshold_on_every_sensor():
    rng = np.random.default_rng(2)
    for shape in [(96, 96), (103, 96), (160, 144), (374, 388)]:
        for _ in range(5):
            found = segment_print(rng.integers(0, 256, shape, dtype=np.uint8))
            assert found.ridge_coherence < 0.22


def test_stripes_are_as_coherent_in_every_direction():
    y, x = np.mgrid[:120, :120]
    for angle in np.linspace(0, np.pi, 7):
        phase = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / 5
        assert segment_print((127 + 120 * np.cos(phase)).astype(np.uint8)).ridge_coherence > 0.95


@pytest.mark.parametrize("shape", [(32, 32), (33, 32), (35, 120)])
def test_smallest_images_are_segmented(shape):
    y, x = np.mgrid[: shape[0], : shape[1]]
    stripes = (127 + 120 * np.cos((x + y) * 1.1)).astype(np.uint8)
    assert segment_print(stripes).ridge_coherence > 0.9
