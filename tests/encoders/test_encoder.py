from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from selfsame.encoders.design import EncoderDesign
from selfsame.encoders.encoder import Encoder, standardise
from selfsame.encoders.pretrained import read_weights
from selfsame.errors import DamagedError, InputError, MismatchError

NAME = "mobilenetv4_conv_small_050"


def build(name: str = NAME, stage: int = 1) -> Encoder:
    torch.manual_seed(0)
    return Encoder(EncoderDesign(name, stage, 4, 16, 0.2, 16, 32)).eval()


def test_embeddings_have_unit_length_and_the_size_of_the_design():
    embeddings = build()(torch.rand(3, 2, 16, 32))
    assert embeddings.shape == (3, 16)
    torch.testing.assert_close(embeddings.norm(dim=1), torch.ones(3))


def test_position_along_the_strip_survives():
    pixels = torch.rand(1, 2, 16, 32)
    pixels[:, 1] = 1
    encoder = build()
    same = (encoder(pixels) * encoder(pixels.roll(16, dims=3))).sum()
    assert same < 0.99


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_050", "regnetx_002", "test_convnext"])
def test_any_timm_model_with_feature_maps_is_an_encoder(name):
    assert build(name)(torch.rand(2, 2, 16, 32)).shape == (2, 16)


def test_unknown_encoder_is_refused_with_near_matches():
    with pytest.raises(InputError, match=r"'resnt18': did you mean .*resnet18"):
        build("resnt18")


def test_stage_that_the_encoder_lacks_is_refused():
    with pytest.raises(InputError, match=f"stage 9, got '{NAME}', which refuses"):
        build(stage=9)


def test_encoder_that_needs_another_size_is_refused():
    with pytest.raises(InputError, match="16 x 32 pixels, got 'vit_tiny_patch16_224', which refuses"):
        build("vit_tiny_patch16_224")


def test_stages_that_are_cut_off_leave_no_weights():
    whole = sum(one.numel() for one in timm.create_model(NAME).parameters())
    assert sum(one.numel() for one in build().backbone.parameters()) < whole / 10


def test_pixels_outside_the_mask_never_matter():
    pixels = torch.rand(2, 2, 16, 32)
    pixels[:, 1] = (torch.rand(2, 16, 32) > 0.3).float()
    other = pixels.clone()
    other[:, 0][pixels[:, 1] == 0] = 0.123
    encoder = build()
    torch.testing.assert_close(encoder(pixels), encoder(other))


def test_brightness_and_contrast_are_standardised_away():
    pixels = torch.rand(2, 2, 16, 32)
    pixels[:, 1] = 1
    other = pixels.clone()
    other[:, 0] = 0.5 * pixels[:, 0] + 0.2
    torch.testing.assert_close(standardise(pixels), standardise(other), atol=0.02, rtol=0)


def test_wholly_masked_capture_gives_a_finite_embedding():
    assert torch.isfinite(build()(torch.zeros(1, 2, 16, 32))).all()


def test_frozen_backbone_neither_learns_nor_counts_statistics():
    encoder = build()
    encoder.freeze()
    encoder.train()
    before = {name: tensor.clone() for name, tensor in encoder.backbone.state_dict().items()}
    encoder(torch.rand(4, 2, 16, 32)).sum().backward()
    assert all(one.grad is None for one in encoder.backbone.parameters())
    assert encoder.project.weight.grad is not None
    assert all(torch.equal(before[name], one) for name, one in encoder.backbone.state_dict().items())


def test_pretrained_weights_are_adopted_from_a_safetensors_file(tmp_path):
    model = timm.create_model(NAME, pretrained=False)
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    encoder = build()
    encoder.adopt(read_weights(tmp_path / "weights.safetensors"))
    stored = model.state_dict()
    taken = encoder.backbone.model.state_dict()
    assert taken["conv_stem.weight"].shape[1] == 2
    assert all(torch.equal(one, stored[name]) for name, one in taken.items() if name != "conv_stem.weight")


def test_weights_of_another_model_are_refused():
    with pytest.raises(
        MismatchError, match=rf"pretrained weights of '{NAME}', with .* of shape .*, got absent"
    ):
        build().adopt(timm.create_model("resnet18").state_dict())


def test_pretrained_weights_of_another_width_are_refused_by_the_shape():
    other = timm.create_model("mobilenetv4_conv_small").state_dict()
    with pytest.raises(
        MismatchError, match=r"with \w+\S* of shape \(.*\), got \(.*\): give the file of that"
    ):
        build().adopt(other)


def test_missing_pretrained_file_is_refused():
    with pytest.raises(InputError, match="no such file"):
        read_weights(Path("nowhere.safetensors"))


def test_file_that_is_no_safetensors_is_refused(tmp_path):
    (tmp_path / "weights.safetensors").write_bytes(b"\x80\x04pickle")
    with pytest.raises(DamagedError, match=r"a damaged one in weights\.safetensors"):
        read_weights(tmp_path / "weights.safetensors")
