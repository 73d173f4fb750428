from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from selfsame.errors import CaptureError
from selfsame.iris.normalisation import normalise_iris
from selfsame.sources.synthetic.eye import render_eye
from selfsame.sources.synthetic.eye_model import HIGHEST as STRENGTHS
from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.eye_pose import EyePose, pose_eye, rubber_sheet_coordinates
from selfsame.sources.synthetic.iris import COLUMNS, ROWS, IrisMaster, synthesise_iris, synthesise_texture

MODEL = EyeModel(
    height_px=240,
    width_px=320,
    limbus_share=0.22,
    limbus_spread=0.06,
    dilation_low=0.3,
    dilation_high=0.52,
    tilt_deg=3.0,
    gaze_share=0.06,
    placement_share=0.03,
    opening_low=0.75,
    opening_high=1.05,
    texture_levels=13.0,
    lashes=70,
    highlights=1.0,
    blur_px=1.1,
    noise_levels=2.5,
    exposure_spread=0.08,
)


def draw_eye(identity: int) -> IrisMaster:
    return synthesise_iris(np.random.default_rng(identity), MODEL, nose=1)


def capture_eye(master: IrisMaster, capture: int, **changes: float) -> tuple[NDArray[np.uint8], EyePose]:
    rng = np.random.default_rng([900, capture])
    pose = replace(pose_eye(rng, master, MODEL), **changes)
    return render_eye(rng, master, pose, MODEL), pose


def unwrap(
    image: NDArray[np.uint8], pose: EyePose, height: int = 24, width: int = 180
) -> NDArray[np.float32]:
    """Walk along the rays between the true circles, turned with the head: not the renderer's formula."""
    angle = np.arange(width) * 2 * np.pi / width + pose.tilt_rad
    depth = ((np.arange(height) + 0.5) / height)[:, None]
    near_x = pose.pupil_x + pose.pupil_radius_px * np.cos(angle)
    near_y = pose.pupil_y + pose.pupil_radius_px * np.sin(angle)
    far_x = pose.limbus_x + pose.limbus_radius_px * np.cos(angle)
    far_y = pose.limbus_y + pose.limbus_radius_px * np.sin(angle)
    x, y = (1 - depth) * near_x + depth * far_x, (1 - depth) * near_y + depth * far_y
    return cv2.remap(image.astype(np.float32), x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR)


def open_part(strip: NDArray[np.float32]) -> NDArray[np.float32]:
    """Keep the middle depths beside the pupil, where no lid or lash reaches, without slow shading."""
    columns = strip.shape[1]
    sides = np.r_[0 : columns // 8, 3 * columns // 8 : 5 * columns // 8, 7 * columns // 8 : columns]
    detail = strip - cv2.GaussianBlur(strip, (0, 0), strip.shape[0] / 4)
    return detail[4:-4, sides]


def correlate(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


def test_same_generators_give_the_same_image() -> None:
    np.testing.assert_array_equal(capture_eye(draw_eye(1), 1)[0], capture_eye(draw_eye(1), 1)[0])


def test_image_has_the_size_of_the_model() -> None:
    image, _ = capture_eye(draw_eye(1), 1)
    assert image.shape == (240, 320)
    assert image.dtype == np.uint8


def test_texture_is_standardised_and_closes_around_the_pupil() -> None:
    texture = synthesise_texture(np.random.default_rng(0))
    assert texture.shape == (ROWS, COLUMNS)
    assert texture.mean() == pytest.approx(0, abs=1e-4)
    assert texture.std() == pytest.approx(1, abs=1e-4)
    steps = np.abs(np.diff(texture, axis=1, append=texture[:, :1])).mean(axis=0)
    assert steps[-1] < 2 * np.median(steps)


@pytest.mark.parametrize("identity", range(4))
def test_captures_of_one_iris_show_the_texture_of_its_master(identity: int) -> None:
    master = draw_eye(identity)
    texture = cv2.resize(master.texture, (180, 24), interpolation=cv2.INTER_AREA)
    shown = [correlate(open_part(unwrap(*capture_eye(master, k))), open_part(texture)) for k in range(4)]
    assert min(shown) > 0.6


def test_mated_textures_correlate_and_non_mated_do_not() -> None:
    strips = [[open_part(unwrap(*capture_eye(draw_eye(i), 10 * i + k))) for k in range(2)] for i in range(6)]
    mated = [correlate(first, second) for first, second in strips]
    non_mated = [correlate(strips[i][0], strips[j][1]) for i in range(6) for j in range(6) if i != j]
    assert min(mated) > 0.5
    assert max(np.abs(non_mated)) < 0.3


def test_left_and_right_textures_of_different_generators_differ() -> None:
    left = synthesise_iris(np.random.default_rng(1), MODEL, nose=-1)
    right = synthesise_iris(np.random.default_rng(2), MODEL, nose=1)
    assert abs(correlate(left.texture, right.texture)) < 0.3
    assert left.skew < 0 < right.skew


def test_dilation_widens_the_pupil_and_keeps_the_texture() -> None:
    master = draw_eye(3)
    narrow = capture_eye(master, 1, pupil_radius_px=0.3 * master.limbus_radius_px)
    wide = capture_eye(master, 1, pupil_radius_px=0.5 * master.limbus_radius_px)
    dark = [int((image < 40).sum()) for image, _ in (narrow, wide)]
    assert dark[1] > dark[0] * 1.8
    assert correlate(open_part(unwrap(*narrow)), open_part(unwrap(*wide))) > 0.5


def test_tilted_head_turns_the_texture() -> None:
    master = draw_eye(4)
    upright = capture_eye(master, 1, tilt_rad=0.0)
    tilted = capture_eye(master, 1, tilt_rad=np.deg2rad(12.0))
    as_if_upright = replace(tilted[1], tilt_rad=0.0)
    reference = unwrap(*upright)
    shifts = range(-12, 13)
    strip = unwrap(tilted[0], as_if_upright)
    found = [correlate(open_part(reference), open_part(np.roll(strip, -shift, axis=1))) for shift in shifts]
    assert shifts[int(np.argmax(found))] == 6  # 12 degrees, columns of 2 degrees
    assert correlate(open_part(reference), open_part(unwrap(*tilted))) > 0.5


@settings(max_examples=25, deadline=None)
@given(
    depth=st.floats(0.02, 0.98),
    turn=st.floats(-3.1, 3.1),
    shift_x=st.floats(-4, 4),
    shift_y=st.floats(-4, 4),
    tilt=st.floats(-0.2, 0.2),
)
def test_rubber_sheet_coordinates_invert_the_sheet(
    depth: float, turn: float, shift_x: float, shift_y: float, tilt: float
) -> None:
    pose = EyePose(100 + shift_x, 90 + shift_y, 20, 100, 90, 55, 100, 90, tilt, 1, 1)
    centre_x = (1 - depth) * pose.pupil_x + depth * pose.limbus_x
    centre_y = (1 - depth) * pose.pupil_y + depth * pose.limbus_y
    radius = (1 - depth) * 20 + depth * 55
    x = np.array([centre_x + radius * np.cos(turn + tilt)])
    y = np.array([centre_y + radius * np.sin(turn + tilt)])
    found_depth, found_angle = rubber_sheet_coordinates(pose, x, y)
    assert found_depth[0] == pytest.approx(depth, abs=1e-6)
    assert np.cos(found_angle[0] - turn) == pytest.approx(1, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    size=st.tuples(st.integers(16, 80), st.integers(16, 80)),
    limbus_share=st.floats(0.1, 0.45),
    strengths=st.fixed_dictionaries({name: st.floats(0, highest) for name, highest in STRENGTHS.items()}),
    seed=st.integers(0, 99),
)
def test_every_permitted_strength_can_be_rendered(
    size: tuple[int, int], limbus_share: float, strengths: dict[str, float], seed: int
) -> None:
    changed = {"opening_low": 0.0, **strengths}
    model = replace(MODEL, height_px=size[0], width_px=size[1], limbus_share=limbus_share, **changed)
    rng = np.random.default_rng(seed)
    master = synthesise_iris(rng, model, nose=-1)
    image = render_eye(rng, master, pose_eye(rng, master, model), model)
    assert image.shape == size
    assert image.dtype == np.uint8


def test_nearly_every_eye_can_be_normalised() -> None:
    failures = []
    for identity in range(40):
        image, _ = capture_eye(draw_eye(identity), identity)
        try:
            normalise_iris(image, height=24, width=180)
        except CaptureError as error:
            failures.append(error.reason)
    assert len(failures) <= 1  # 97 % of 40


def test_segmentation_finds_the_true_circles() -> None:
    image, pose = capture_eye(draw_eye(5), 2)
    measures = normalise_iris(image, height=24, width=180).measures
    assert measures["pupil_x"] == pytest.approx(pose.pupil_x, abs=1.5)
    assert measures["pupil_y"] == pytest.approx(pose.pupil_y, abs=1.5)
    assert measures["limbus_radius"] == pytest.approx(pose.limbus_radius_px, rel=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"height_px": 8}, "expected an image of 16x16 px or more"),
        ({"limbus_share": 0.7}, "expected limbus_share between"),
        ({"dilation_low": 0.6}, "expected 0.1 <= dilation_low <= dilation_high"),
        ({"opening_low": 2.0}, "expected opening_low of at most opening_high"),
        ({"tilt_deg": 200.0}, "expected tilt_deg between 0 and 45"),
        ({"exposure_spread": float("nan")}, "expected exposure_spread between 0 and 1"),
        ({"noise_levels": -1.0}, "expected noise_levels between 0 and 100"),
    ],
)
def test_impossible_eyes_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(MODEL, **change)
