import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.errors import CaptureError
from selfsame.iris.geometry import Circle, IrisGeometry
from selfsame.iris.normalisation import normalise_iris, rubber_sheet

HEIGHT, WIDTH = 32, 256


def normalise(image):
    return normalise_iris(image, height=HEIGHT, width=WIDTH)


def likeness(a, b):
    """Correlation of two strips where both are seen, without the edges that all eyes share."""
    both = (a.mask > 0) & (b.mask > 0)
    both[:4], both[-4:] = False, False
    return float(np.corrcoef(a.image[both], b.image[both])[0, 1])


def best_shift(a, b, reach=40):
    """By how many columns b must be rolled back to be most like a."""
    rolled = {shift: np.roll(b.image, -shift, axis=1) for shift in range(-reach, reach + 1)}
    return max(rolled, key=lambda shift: np.corrcoef(a.image.ravel(), rolled[shift].ravel())[0, 1])


@given(st.floats(-5, 5), st.floats(-5, 5), st.floats(10, 40))
def test_rubber_sheet_runs_from_the_pupil_to_the_limbus(dx, dy, radius):
    geometry = IrisGeometry(Circle(100 + dx, 90 + dy, radius), Circle(100, 90, 60))
    x, y = rubber_sheet(geometry, 50, 64)
    half_row = 0.5 * (60 + 10 - radius) / 50 + 1e-3
    assert np.abs(np.hypot(x[0] - 100 - dx, y[0] - 90 - dy) - radius).max() <= half_row
    assert np.abs(np.hypot(x[-1] - 100, y[-1] - 90) - 60).max() <= half_row


def test_columns_start_at_three_o_clock_and_go_clockwise():
    x, y = rubber_sheet(IrisGeometry(Circle(0, 0, 10), Circle(0, 0, 20)), 1, 4)
    assert x[0] == pytest.approx([15, 0, -15, 0], abs=1e-4)
    assert y[0] == pytest.approx([0, 15, 0, -15], abs=1e-4)


def test_part_of_the_iris_beyond_the_picture_is_not_seen(draw_eye):
    result = normalise(draw_eye()[:166])
    _, y = rubber_sheet(IrisGeometry(Circle(158, 118, 24), Circle(160, 120, 56)), HEIGHT, WIDTH)
    assert not result.mask[y > 168].any()
    assert (result.mask[y < 160] == 255).mean() > 0.85


def test_strip_and_mask_have_the_size_asked_for(draw_eye):
    result = normalise_iris(draw_eye(), height=20, width=100)
    assert result.image.shape == result.mask.shape == (20, 100)
    assert set(np.unique(result.mask)) <= {0, 255}


def test_measures_are_those_of_the_drawn_eye(draw_eye):
    measures = normalise(draw_eye()).measures
    expected = {"pupil_x": 158, "pupil_y": 118, "pupil_radius": 24, "limbus_x": 160, "limbus_y": 120}
    assert {name: measures[name] for name in expected} == pytest.approx(expected, abs=2)
    assert measures["limbus_radius"] == pytest.approx(56, abs=2)
    assert measures["dilation"] == pytest.approx(24 / 56, abs=0.03)
    assert measures["visible_share"] > 0.9


@pytest.mark.parametrize("columns", [-24, 10, 32])
def test_rotation_of_the_eye_shifts_the_strip_by_its_columns(draw_eye, columns):
    turned = normalise(draw_eye(turn_rad=columns * 2 * np.pi / WIDTH))
    assert best_shift(normalise(draw_eye()), turned) == pytest.approx(columns, abs=1)


@pytest.mark.parametrize("radius", [18.0, 32.0])
def test_dilation_leaves_the_strip_alike_and_another_eye_does_not(draw_eye, radius):
    rested = normalise(draw_eye())
    assert likeness(rested, normalise(draw_eye(pupil=(158.0, 118.0, radius)))) > 0.8
    assert likeness(rested, normalise(draw_eye(seed=8))) < 0.3


@pytest.mark.parametrize("factor", [0.75, 2.0, 3.0])
def test_enlarged_or_shrunk_image_gives_an_alike_strip(draw_eye, factor):
    image = draw_eye()
    resized = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA if factor < 1 else 1)
    result = normalise(resized)
    assert likeness(normalise(image), result) > 0.9
    assert result.measures["limbus_radius"] == pytest.approx(56 * factor, abs=2 * factor)


@pytest.mark.parametrize(("gain", "offset"), [(0.6, 0), (0.8, 40), (1.0, 30)])
def test_brightness_does_not_move_the_circles(draw_eye, gain, offset):
    image = draw_eye()
    other = normalise(np.clip(image * gain + offset, 0, 255).astype(np.uint8))
    plain = normalise(image)
    for name in ("pupil_x", "pupil_y", "pupil_radius", "limbus_x", "limbus_y", "limbus_radius"):
        assert other.measures[name] == pytest.approx(plain.measures[name], abs=1)


def test_same_image_gives_the_same_bytes_whatever_the_threads(draw_eye):
    image, threads = draw_eye(upper_lid_y=85.0), cv2.getNumThreads()
    results = []
    try:
        for count in (1, 4):
            cv2.setNumThreads(count)
            results.append(normalise(image))
    finally:
        cv2.setNumThreads(threads)
    assert results[0].image.tobytes() == results[1].image.tobytes()
    assert results[0].mask.tobytes() == results[1].mask.tobytes()
    assert results[0].measures == results[1].measures


def test_image_is_not_written_to(draw_eye):
    image = draw_eye()
    before = image.copy()
    normalise(image)
    np.testing.assert_array_equal(image, before)


def test_tiny_image_is_refused():
    with pytest.raises(CaptureError, match=r"too_small: expected 60 px .* got 40"):
        normalise(np.zeros((40, 50), np.uint8))


def test_long_strip_is_refused():
    with pytest.raises(
        CaptureError, match=r"no_pupil: expected the picture of an eye, got a strip of 8300 x"
    ):
        normalise(np.zeros((60, 8300), np.uint8))


def test_iris_of_a_few_pixels_is_refused(draw_eye):
    with pytest.raises(CaptureError, match="too_small"):
        normalise(cv2.resize(draw_eye(), (80, 60), interpolation=cv2.INTER_AREA))


def test_nearly_closed_eye_is_refused(draw_eye):
    image = draw_eye(upper_lid_y=108.0)
    image[134:] = 205
    with pytest.raises(CaptureError) as refusal:
        normalise(image)
    assert refusal.value.reason in {"occluded", "no_pupil", "no_limbus"}


@pytest.mark.parametrize("period_px", [7, 20, 60])
def test_stripes_are_not_normalised(period_px):
    y, x = np.mgrid[:240, :320]
    stripes = 128 + 100 * np.sin((x + y) * 2 * np.pi / period_px)
    with pytest.raises(CaptureError, match=r"no_pupil|no_limbus"):
        normalise(stripes.astype(np.uint8))
