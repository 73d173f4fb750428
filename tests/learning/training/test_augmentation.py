import math

import pytest
import torch

from selfsame.learning.randomness import Draws
from selfsame.learning.training.augmentation import augment, move_planar, move_polar, to_float
from selfsame.learning.training.regimen import PlanarAugmentation, PolarAugmentation

STILL = {"brightness": 0.0, "contrast": 0.0, "noise": 0.0, "occlusion": 0.0}
POLAR = PolarAugmentation(kind="polar", rotation_deg=15, radial_scale=0.1, radial_shift=0.05, **STILL)
PLANAR = PlanarAugmentation(
    kind="planar", rotation_deg=30, scale=0.15, translation=0.1, elastic=0.01, elastic_cells=4, **STILL
)


def draws(count: int, seed: int = 0) -> Draws:
    return Draws(torch.Generator().manual_seed(seed), count)


@pytest.mark.parametrize(("move", "settings"), [(move_polar, POLAR), (move_planar, PLANAR)])
def test_nothing_is_ever_mirrored(move, settings):
    grid = move(torch.zeros(50, 2, 32, 48), settings, draws(50))
    right = grid[:, :-1, 1:] - grid[:, :-1, :-1]
    down = grid[:, 1:, :-1] - grid[:, :-1, :-1]
    area = right[..., 0] * down[..., 1] - right[..., 1] * down[..., 0]
    assert (area > 0).all()


@pytest.mark.parametrize("settings", [POLAR, PLANAR])
def test_mask_moves_with_the_image(settings):
    image = torch.rand(8, 1, 32, 64)
    changed = augment(torch.cat([image, image], dim=1), settings, draws(8))
    inside = changed[:, 1] > 0
    torch.testing.assert_close(changed[:, 0][inside], changed[:, 1][inside])
    assert not torch.allclose(changed[:, :1], image)


@pytest.mark.parametrize("settings", [POLAR, PLANAR])
def test_same_generator_same_pixels_and_another_others(settings):
    pixels = torch.rand(4, 2, 32, 64)
    first = augment(pixels, settings, draws(4, 1))
    assert torch.equal(first, augment(pixels, settings, draws(4, 1)))
    assert not torch.equal(first, augment(pixels, settings, draws(4, 2)))


def test_turned_eye_begins_again_at_the_edge():
    turned = POLAR.model_copy(update={"radial_scale": 0.0, "radial_shift": 0.0})
    pixels = torch.rand(1, 2, 1, 64).expand(6, 2, 32, 64)
    changed = augment(pixels, turned, draws(6))
    torch.testing.assert_close(changed.sum(dim=3), pixels.sum(dim=3), atol=1e-3, rtol=0)


def test_turn_stays_within_its_limit():
    pixels = torch.zeros(200, 2, 8, 64)
    turned = POLAR.model_copy(update={"radial_scale": 0.0, "radial_shift": 0.0})
    still = POLAR.model_copy(update={"rotation_deg": 0.0, "radial_scale": 0.0, "radial_shift": 0.0})
    turns = (move_polar(pixels, turned, draws(200)) - move_polar(pixels, still, draws(200)))[..., 0] * 180
    assert turns.abs().max() <= 15 + 1e-3
    assert turns.abs().max() > 12


def test_settings_of_zero_change_nothing():
    still = POLAR.model_copy(update={"rotation_deg": 0.0, "radial_scale": 0.0, "radial_shift": 0.0})
    pixels = torch.rand(3, 2, 16, 32)
    torch.testing.assert_close(augment(pixels, still, draws(3)), pixels, atol=1e-5, rtol=0)


def test_what_lies_beyond_the_frame_of_a_print_is_masked():
    shifted = PLANAR.model_copy(update={"translation": 0.5, "rotation_deg": 0.0, "elastic": 0.0})
    changed = augment(torch.ones(30, 2, 32, 32), shifted, draws(30))
    assert (changed[:, 1] == 0).any()
    assert (changed[:, 1].mean(dim=(1, 2)) > 0.1).all()


@pytest.mark.parametrize("settings", [POLAR, PLANAR])
def test_occlusion_hides_a_part_of_about_its_share_of_the_captures(settings):
    hiding = settings.model_copy(update={"occlusion": 0.5})
    pixels = torch.ones(400, 2, 16, 32)
    lost = augment(pixels, settings, draws(400))[:, 1] - augment(pixels, hiding, draws(400))[:, 1]
    hidden = (lost > 0).float().mean(dim=(1, 2))
    assert 0.3 < (hidden > 0).float().mean() < 0.6
    assert hidden.max() < 0.6


def test_every_part_of_a_print_is_hidden_equally_often():
    hiding = PLANAR.model_copy(
        update={"rotation_deg": 0.0, "scale": 0.0, "translation": 0.0, "elastic": 0.0, "occlusion": 1.0}
    )
    mask = augment(torch.ones(5000, 2, 16, 24), hiding, draws(5000))[:, 1]
    hidden = (mask < 0.5).float().mean(dim=0)
    # A side of s among the 1 + s places that touch the picture, s uniform from 0.1 to 0.5, along both axes.
    expected = (1 - math.log(1.5 / 1.1) / 0.4) ** 2
    assert hidden.mean(dim=0).numpy() == pytest.approx(expected, abs=0.01)  # five standard errors
    assert hidden.mean(dim=1).numpy() == pytest.approx(expected, abs=0.01)


def test_noise_and_light_stay_in_range():
    wild = POLAR.model_copy(update={"brightness": 1.0, "contrast": 1.0, "noise": 1.0, "occlusion": 1.0})
    changed = augment(to_float(torch.randint(0, 256, (5, 2, 16, 32), dtype=torch.uint8)), wild, draws(5))
    assert changed.min() >= 0
    assert changed.max() <= 1
