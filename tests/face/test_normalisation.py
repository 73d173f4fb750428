import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsame.errors import CaptureError
from selfsame.face.normalisation import normalise_face


def textured(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (height, width), dtype=np.uint8)


def test_face_of_the_same_aspect_is_kept_whole():
    normalised = normalise_face(textured(112, 92), height=56, width=46)
    assert normalised.image.shape == (56, 46)
    assert normalised.measures["kept_share"] == 1.0
    assert (normalised.mask == 255).all()


def test_wide_capture_loses_both_sides_alike_and_is_not_stretched():
    image = np.zeros((64, 128), np.uint8)
    image[:, 32:96] = textured(64, 64)
    normalised = normalise_face(image, height=64, width=64)
    assert (normalised.image == image[:, 32:96]).all()
    assert normalised.measures["kept_share"] == 0.5


def test_tall_capture_loses_top_and_bottom():
    image = np.zeros((128, 64), np.uint8)
    image[32:96] = textured(64, 64)
    assert (normalise_face(image, height=64, width=64).image == image[32:96]).all()


@given(st.integers(16, 90), st.integers(16, 90))
def test_any_size_gives_the_size_that_was_asked_for(height, width):
    normalised = normalise_face(textured(height, width), height=20, width=18)
    assert normalised.image.shape == (20, 18)
    assert 0 < normalised.measures["kept_share"] <= 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_blank_capture_is_refused_whatever_its_level(level):
    with pytest.raises(CaptureError, match="expected a face, got a picture whose grey levels") as caught:
        normalise_face(np.full((64, 64), level, np.uint8), height=32, width=32)
    assert caught.value.reason == "blank"


def test_tiny_capture_is_refused():
    with pytest.raises(CaptureError, match="16 px or more a side, got 60x15"):
        normalise_face(textured(15, 60), height=32, width=32)
