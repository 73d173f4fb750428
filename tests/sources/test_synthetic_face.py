from dataclasses import replace

import numpy as np
import pytest

from selfsame.imaging.decoding import decode_grey
from selfsame.sources.synthetic.face import FacePose, pose_face, render_face, synthesise_face
from selfsame.sources.synthetic.face_model import HIGHEST, FaceModel
from selfsame.sources.synthetic.face_sample import stream_faces

MODEL = FaceModel(
    height_px=112,
    width_px=92,
    variety=1.2,
    turn=0.06,
    tilt_deg=2.5,
    placement_share=0.008,
    size_spread=0.02,
    expression=1.0,
    lighting=0.1,
    exposure_spread=0.06,
    blur_px=1.2,
    noise_levels=6.0,
)
STILL = FacePose(
    turn=0.0,
    tilt_rad=0.0,
    shift=(0.0, 0.0),
    size=1.0,
    smile=0.0,
    brows=0.0,
    opening=1.0,
    light=0.0,
    exposure=1.0,
)
CLEAN = replace(MODEL, noise_levels=0.0, blur_px=0.5)


def draw(identity: int, pose: FacePose = STILL, capture: int = 1) -> np.ndarray:
    face = synthesise_face(np.random.default_rng(identity), MODEL)
    return render_face(np.random.default_rng(capture), face, pose, CLEAN).astype(float)


def difference(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.abs(left - right).mean())


def sample(subjects: range, captures: range, seed: int = 7, model: FaceModel = MODEL) -> dict[str, bytes]:
    return dict(stream_faces(seed, model, subjects=subjects, captures=captures))


def test_the_same_seed_draws_the_same_bytes():
    assert sample(range(1, 3), range(1, 3)) == sample(range(1, 3), range(1, 3))
    assert sample(range(1, 3), range(1, 3)) != sample(range(1, 3), range(1, 3), seed=8)


def test_more_people_and_captures_change_no_file():
    few, many = sample(range(1, 3), range(1, 3)), sample(range(1, 4), range(1, 5))
    assert few.items() <= many.items()
    assert len(many) == 12


def test_files_are_those_of_the_layout_of_att():
    files = sample(range(1, 2), range(10, 12))
    assert list(files) == ["s1/10.png", "s1/11.png"]
    assert decode_grey(files["s1/10.png"], max_pixels=20_000).shape == (112, 92)


def test_a_face_resembles_itself_more_than_others():
    poses = [pose_face(np.random.default_rng(k), MODEL) for k in range(4)]
    own = np.mean([difference(draw(i, poses[0]), draw(i, poses[1])) for i in range(12)])
    other = np.mean([difference(draw(i, poses[2]), draw(i + 20, poses[3])) for i in range(12)])
    assert other > 1.3 * own


def test_without_variety_all_people_are_one():
    alike = replace(MODEL, variety=0.0)
    left, right = (synthesise_face(np.random.default_rng(k), alike).traits for k in (1, 2))
    assert left == right


@pytest.mark.parametrize(
    "change",
    [
        {"turn": 0.2},
        {"tilt_rad": 0.2},
        {"shift": (0.05, 0.0)},
        {"size": 1.1},
        {"smile": 2.0},
        {"brows": 2.0},
        {"opening": 0.3},
        {"light": 0.5},
        {"exposure": 1.3},
    ],
)
def test_every_part_of_a_pose_is_seen(change: dict[str, float]):
    assert difference(draw(3), draw(3, replace(STILL, **change))) > 0.02


def test_light_from_the_right_brightens_the_right():
    lit, even = draw(3, replace(STILL, light=0.4)), draw(3)
    assert (lit - even)[:, 60:].mean() > 5
    assert (lit - even)[:, :30].mean() < -5


def test_a_head_that_turns_right_moves_its_nose_further_than_its_outline():
    def darkest(image: np.ndarray) -> float:  # the column of the pupils and nostrils' centre of darkness
        rows = 255 - image[40:75]
        return float((rows.sum(axis=0) * np.arange(92)).sum() / rows.sum())

    assert darkest(draw(5, replace(STILL, turn=0.3))) > darkest(draw(5)) + 0.2


@pytest.mark.parametrize("name", [*HIGHEST, "variety"])
def test_strength_below_zero_is_refused(name: str):
    with pytest.raises(ValueError, match=f"expected {name} between 0 and"):
        replace(MODEL, **{name: -0.1})


def test_tiny_image_is_refused():
    with pytest.raises(ValueError, match="expected an image of 32x32 px or more, got 31x112 px"):
        replace(MODEL, width_px=31)


@pytest.mark.parametrize("seed", range(12))
def test_the_strongest_settings_still_draw(seed: int):
    wild = replace(MODEL, **HIGHEST, variety=5.0)
    files = sample(range(seed, seed + 1), range(1, 2), model=wild)
    assert len(files) == 1
