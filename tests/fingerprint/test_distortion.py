from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.fingerprint.distortion import distort_fingerprint
from selfsame.fingerprint.distortion_model import DistortionModel

STRENGTHS = [
    ("translation_share", 0.05),
    ("rotation_deg", 8),
    ("elastic_share", 0.02),
    ("pressure", 0.5),
    ("scratches", 3),
    ("dry_share", 0.3),
    ("crop_share", 0.5),
    ("noise_share", 0.1),
]


def measure_ink(image):
    return float((255 - image.astype(int)).sum())


def find_middle(image):
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    ink = 255.0 - image
    return np.array([(x * ink).sum(), (y * ink).sum()]) / ink.sum()


def test_no_strength_leaves_the_print_as_it_is(rings, still):
    image = rings(120, 100, (50, 60), 40, 8)
    result = distort_fingerprint(image, np.random.default_rng(0), model=still)
    assert np.abs(result.astype(int) - image).max() <= 1


@pytest.mark.parametrize(("name", "strength"), STRENGTHS)
def test_each_strength_changes_the_print(rings, still, name, strength):
    image = rings(120, 100, (50, 60), 40, 8)
    changed = [
        distort_fingerprint(image, np.random.default_rng(seed), model=replace(still, **{name: strength}))
        for seed in range(3)
    ]
    assert max(np.abs(result.astype(int) - image).mean() for result in changed) > 1


def test_same_generator_gives_the_same_impression_and_another_gives_another(rings, usual):
    image = rings(120, 100, (50, 60), 40, 8)
    first, again, other = (
        distort_fingerprint(image, np.random.default_rng(seed), model=usual) for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@settings(max_examples=25, deadline=None)
@given(height=st.integers(0, 200), width=st.integers(0, 200), seed=st.integers(0, 2**32 - 1))
def test_shape_and_type_are_kept_and_the_input_is_not_written(height, width, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width), dtype=np.uint8)
    before = image.copy()
    model = DistortionModel(0.1, 10, 0.02, 0.2, 0.5, 2, 0.1, 0.3, 0.1)
    result = distort_fingerprint(image, np.random.default_rng(seed), model=model)
    assert result.shape == image.shape
    assert result.dtype == np.uint8
    assert np.array_equal(image, before)


def test_uncovered_ground_keeps_its_level_and_the_frame_its_place(rings, usual):
    image = np.pad(rings(120, 100, (50, 60), 40, 8) // 2 + 70, 3, constant_values=20)
    for seed in range(5):
        result = distort_fingerprint(image, np.random.default_rng(seed), model=usual)
        assert np.median(result) == pytest.approx(255 // 2 + 70, abs=1)
        assert (result[:3] == 20).all()
        assert (result[:, -3:] == 20).all()


def test_translation_has_the_standard_deviation_asked_for(rings, still):
    image = rings(140, 140, (70, 70), 30, 8)
    model = replace(still, translation_share=0.05)
    shifts = [
        find_middle(distort_fingerprint(image, np.random.default_rng(seed), model=model)) - find_middle(image)
        for seed in range(150)
    ]
    # 300 draws with a standard deviation of 7 px: the standard error is 4 %, cut tails take 2 %.
    assert np.std(shifts) == pytest.approx(0.05 * 140, rel=0.15)
    assert np.abs(np.mean(shifts)) < 1.7


def test_rotation_turns_about_the_middle_by_the_angle_asked_for(still):
    image = np.full((141, 141), 255, np.uint8)
    image[68:73, 20:121] = 0
    model = replace(still, rotation_deg=6.0)
    angles = []
    for seed in range(100):
        turned = distort_fingerprint(image, np.random.default_rng(seed), model=model)
        y, x = np.nonzero(turned < 128)
        angles.append(np.degrees(np.arctan(np.polyfit(x, y, 1)[0])))
        np.testing.assert_allclose(find_middle(turned), (70, 70), atol=0.6)
    assert np.std(angles) == pytest.approx(6.0, rel=0.25)


def test_skin_moves_by_the_distance_asked_for(still):
    image = np.full((200, 200), 255, np.uint8)
    places = np.array([(x, y) for x in range(30, 180, 20) for y in range(30, 180, 20)])
    for x, y in places:
        image[y - 2 : y + 3, x - 2 : x + 3] = 0
    model = replace(still, elastic_share=0.01)
    moves = []
    for seed in range(20):
        moved = distort_fingerprint(image, np.random.default_rng(seed), model=model)
        for x, y in places:
            patch = moved[y - 9 : y + 10, x - 9 : x + 10]
            moves.append(find_middle(patch) - 9)
    assert np.sqrt(np.mean(np.sum(np.square(moves), axis=1))) == pytest.approx(0.01 * 200, rel=0.2)


def test_pressure_swells_and_thins_ridges_but_keeps_them_in_place(rings, still):
    image = rings(140, 140, (70, 70), 55, 9)
    model = replace(still, pressure=0.6)
    pressed = [distort_fingerprint(image, np.random.default_rng(seed), model=model) for seed in range(12)]
    amounts = [measure_ink(each) / measure_ink(image) for each in pressed]
    assert min(amounts) < 0.9 < 1.1 < max(amounts)
    for each in pressed:
        assert np.corrcoef(each.ravel(), image.ravel())[0, 1] > 0.85


def test_crop_takes_at_most_the_share_asked_for(still):
    image = np.pad(np.full((100, 100), 40, np.uint8), 20, constant_values=255)
    model = replace(still, crop_share=0.3)
    kept = [
        measure_ink(distort_fingerprint(image, np.random.default_rng(seed), model=model)) / measure_ink(image)
        for seed in range(40)
    ]
    assert min(kept) > 0.68
    assert min(kept) < 0.8
    assert max(kept) > 0.9


@pytest.mark.parametrize(("name", "strength"), [("scratches", 4), ("dry_share", 0.5)])
def test_wear_only_takes_ink_away(rings, still, name, strength):
    image = rings(140, 140, (70, 70), 55, 9)
    worn = distort_fingerprint(image, np.random.default_rng(3), model=replace(still, **{name: strength}))
    assert (worn.astype(int) >= image.astype(int) - 1).all()
    assert measure_ink(worn) < 0.99 * measure_ink(image)


@pytest.mark.parametrize("strength", [-0.1, float("nan")])
@pytest.mark.parametrize("name", [name for name, _ in STRENGTHS])
def test_strength_under_zero_is_refused(still, name, strength):
    with pytest.raises(ValueError, match=f"expected {name} of 0 or more, got"):
        replace(still, **{name: strength})


def test_elastic_skin_without_a_reach_is_refused(still):
    with pytest.raises(ValueError, match="expected elastic_reach_share over 0 where elastic_share is over 0"):
        replace(still, elastic_share=0.01, elastic_reach_share=0)
