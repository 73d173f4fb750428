import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsame.encoders.design import EncoderDesign
from selfsame.encoders.encoder import Encoder
from selfsame.encoders.gabor import DIRECTIONS, PERIODS_PX, GaborBank, make_filters
from selfsame.encoders.registry import build_backbone
from selfsame.errors import InputError

SIDE = 64
MIDDLE = slice(2, 6)


def ridges(angle_rad: float, period: float = 4.8, phase: float = 0.0) -> torch.Tensor:
    """Parallel ridges across the direction `angle_rad`, unit deviation, all of it seen."""
    y, x = torch.meshgrid(torch.arange(float(SIDE)), torch.arange(float(SIDE)), indexing="ij")
    across = x * math.cos(angle_rad) + y * math.sin(angle_rad)
    image = math.sqrt(2) * torch.cos(2 * math.pi * across / period + phase)
    return torch.stack([image, torch.ones_like(image)]).unsqueeze(0)


def test_map_has_a_cell_every_eight_pixels_and_a_channel_a_filter():
    cells = GaborBank()(torch.zeros(2, 2, 96, 61))[-1]
    assert cells.shape == (2, len(PERIODS_PX) * DIRECTIONS, 12, 8)


@settings(deadline=None, max_examples=25)
@given(phase=st.floats(0, 2 * math.pi), angle_rad=st.floats(0, math.pi), period=st.floats(3.5, 6.5))
def test_ridges_moved_by_any_part_of_a_period_look_the_same(phase, angle_rad, period):
    bank = GaborBank()
    still, moved = (bank(ridges(angle_rad, period, shift))[-1][..., MIDDLE, MIDDLE] for shift in (0.0, phase))
    torch.testing.assert_close(moved, still, atol=0.1 * still.max().item(), rtol=0)


@pytest.mark.parametrize("direction", range(DIRECTIONS))
@pytest.mark.parametrize("number", range(len(PERIODS_PX)))
def test_strongest_answer_names_direction_and_period(direction, number):
    pixels = ridges(math.pi * direction / DIRECTIONS, PERIODS_PX[number])
    strength = GaborBank()(pixels)[-1][0, :, MIDDLE, MIDDLE].mean(dim=(1, 2))
    assert strength.argmax() == number * DIRECTIONS + direction


def test_filters_see_no_even_grey():
    torch.testing.assert_close(make_filters().sum(dim=(1, 2, 3)), torch.zeros(32), atol=1e-5, rtol=0)


def test_bank_has_nothing_to_train_and_is_stored():
    assert not list(GaborBank().parameters())
    assert "filters" in GaborBank().state_dict()


def test_encoder_of_prints_barely_notices_half_a_ridge():
    torch.manual_seed(0)
    encoder = Encoder(EncoderDesign("gabor", 0, 8, 32, 0.0, SIDE, SIDE)).eval()
    half, turned = ridges(0.3, phase=math.pi), ridges(0.3 + math.pi / 2)
    first = encoder(ridges(0.3))
    assert (first * encoder(half)).sum() > 0.95
    assert (first * encoder(half)).sum() > (first * encoder(turned)).sum() + 0.1


def test_later_stage_of_the_bank_is_refused():
    with pytest.raises(InputError, match="stage 0 of 'gabor', the only one it has, got 1"):
        build_backbone("gabor", 1)


def test_bank_refuses_pretrained_weights():
    encoder = Encoder(EncoderDesign("gabor", 0, 4, 16, 0.0, 32, 32))
    with pytest.raises(InputError, match="'gabor', which has fixed filters: set pretrained to null"):
        encoder.adopt({})
