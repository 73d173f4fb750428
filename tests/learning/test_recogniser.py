"""How a recogniser is laid out in memory and compiled: other speeds, the same embeddings."""

import shutil

import pytest
import torch

from selfsame.encoders.design import EncoderDesign
from selfsame.errors import InputError
from selfsame.learning.checkpoint import Design, LabelMap
from selfsame.learning.recogniser import Recogniser


def build(encoder="mobilenetv4_conv_small_050", stage=1):
    torch.manual_seed(0)
    design = Design({"iris_left": "iris"}, {"iris": EncoderDesign(encoder, stage, 4, 8, 0.0, 16, 32)})
    return Recogniser(design, LabelMap(("p", "q"), {"iris": (("p", "left"), ("q", "left"))})).eval()


@pytest.fixture
def pixels():
    return torch.rand((5, 2, 16, 32), generator=torch.Generator().manual_seed(1))


def test_order_in_memory_changes_embeddings_in_the_last_bits_alone(pixels):
    first, last = build(), build()
    first.lay_out(channels_last=False)
    torch.testing.assert_close(first.encode("iris_left", pixels), last.encode("iris_left", pixels))
    filters = [one for one in last.parameters() if one.ndim == 4 and min(one.shape[1:]) > 1]
    assert all(one.is_contiguous(memory_format=torch.channels_last) for one in filters)
    assert not any(one.is_contiguous() for one in filters)
    assert all(one.is_contiguous() for one in first.parameters())


def test_order_in_memory_is_no_part_of_the_weights():
    first, last = build(), build()
    first.lay_out(channels_last=False)
    assert all(torch.equal(one, last.state_dict()[name]) for name, one in first.state_dict().items())


def test_compiling_without_a_compiler_is_refused_with_its_remedy(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(InputError, match=r"expected a C\+\+ compiler, .* set compile to false"):
        build().compile_encoders()


@pytest.mark.skipif(shutil.which("g++") is None, reason="compiling needs g++")
def test_weights_keep_their_names_where_encoders_are_compiled():
    recogniser = build("gabor", 0)
    names = list(recogniser.state_dict())
    recogniser.compile_encoders()  # when they first encode, which takes a minute
    assert list(recogniser.state_dict()) == names
