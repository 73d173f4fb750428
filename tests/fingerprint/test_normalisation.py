import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from selfsame.errors import CaptureError
from selfsame.fingerprint.normalisation import normalise_fingerprint


def find_middle(mask):
    y, x = np.nonzero(mask)
    return x.mean(), y.mean()


def test_print_comes_to_the_middle_wherever_it_was(rings):
    for centre in [(50, 60), (80, 60), (60, 90)]:
        found = normalise_fingerprint(rings(150, 130, centre, 38, 8), height=96, width=96)
        assert_allclose(find_middle(found.mask), (48, 48), atol=1.5)


def test_measured_centre_is_in_pixels_of_the_given_image(rings):
    framed = np.pad(rings(150, 130, (60, 90), 38, 8), ((5, 0), (7, 0)), constant_values=0)
    found = normalise_fingerprint(framed, height=64, width=64)
    assert_allclose((found.measures["centre_x"], found.measures["centre_y"]), (67, 95), atol=2)


def test_same_ridges_in_another_place_give_the_same_image(rings):
    first = normalise_fingerprint(rings(144, 144, (60, 64), 40, 8), height=144, width=144)
    second = normalise_fingerprint(rings(144, 144, (76, 80), 40, 8), height=144, width=144)
    assert np.abs(first.image.astype(int) - second.image).mean() < 1


def test_contrast_and_level_of_the_capture_do_not_matter(rings, compare):
    strong = rings(144, 144, (72, 72), 60, 8, contrast=240)
    weak = (90 + 0.35 * strong).astype(np.uint8)
    first, second = (normalise_fingerprint(image, height=96, width=96) for image in (strong, weak))
    inside = (first.mask > 0) & (second.mask > 0)
    assert inside.mean() > 0.5
    assert first.image[inside].std() == pytest.approx(second.image[inside].std(), rel=0.1)
    assert compare(first.image, second.image) > 0.95


def test_level_inside_the_print_is_mid_grey_and_ground_is_exactly_so(rings):
    found = normalise_fingerprint(rings(144, 144, (72, 72), 50, 8), height=128, width=128)
    assert found.image[found.mask > 0].mean() == pytest.approx(128, abs=6)
    assert found.image[found.mask > 0].std() == pytest.approx(64, abs=12)
    assert set(np.unique(found.image[:8])) == {128}
    assert set(np.unique(found.mask)) == {0, 255}


@settings(max_examples=25, deadline=None)
@given(height=st.integers(16, 260), width=st.integers(16, 260), seed=st.integers(0, 5))
def test_result_has_the_size_asked_for(height, width, seed):
    y, x = np.mgrid[:103, :96]
    image = (255 - 200 * (np.cos((x + seed * y) * 1.1) > 0) * (np.hypot(x - 40, y - 60) < 35)).astype(
        np.uint8
    )
    found = normalise_fingerprint(image, height=height, width=width)
    assert found.image.shape == found.mask.shape == (height, width)
    assert found.mask.any()
    assert 0 < found.measures["foreground_share"] <= 1
    assert 0 <= found.measures["ridge_coherence"] <= 1


def test_aspect_ratio_is_kept(rings):
    found = normalise_fingerprint(rings(150, 150, (75, 75), 60, 8), height=200, width=80)
    y, x = np.nonzero(found.mask)
    assert np.ptp(y) == pytest.approx(np.ptp(x), abs=3)


def test_read_only_and_strided_images_are_taken_as_they_are(rings):
    image = rings(144, 144, (72, 72), 50, 8)
    strided = np.dstack([image, image])[:, :, 0]
    strided.flags.writeable = False
    first, second = (normalise_fingerprint(each, height=96, width=96) for each in (image, strided))
    assert np.array_equal(first.image, second.image)


def test_white_noise_is_refused_on_every_sensor():
    rng = np.random.default_rng(0)
    for shape in [(96, 96), (103, 96), (160, 144), (374, 388)]:
        for noise in [
            rng.integers(0, 256, shape, dtype=np.uint8),
            rng.normal(128, 60, shape).clip(0, 255).astype(np.uint8),
        ]:
            with pytest.raises(CaptureError, match=r"^(no_print|no_ridges|low_contrast): expected"):
                normalise_fingerprint(noise, height=96, width=96)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_capture_is_refused(level):
    with pytest.raises(
        CaptureError, match="low_contrast: expected a print 16 levels under its ground, got 0"
    ):
        normalise_fingerprint(np.full((103, 96), level, np.uint8), height=96, width=96)


@pytest.mark.real
def test_real_prints_are_all_normalised(real_captures):
    import cv2

    files = sorted(real_captures.rglob("Fingerprint/*.BMP"))
    assert len(files) == 450
    found = [
        normalise_fingerprint(cv2.imread(str(file), cv2.IMREAD_GRAYSCALE), height=96, width=96)
        for file in files
    ]
    assert np.median([item.measures["ridge_coherence"] for item in found]) > 0.7
    # The frame is black: were it still there, the outermost lines would be print.
    assert np.mean([item.mask[:, 0].mean() for item in found]) < 60
