"""Pixels change only together with the version that their normalisation states.

The pictures in `normalised` are what drawn captures become, one a trait and version, masks below images.
To change pixels on purpose, raise `NORMALISATION_VERSION` of the trait (of every trait, where the decoding
changes) and write the new pictures with `python tests/pipelines/test_normalisation_versions.py`.
"""

from importlib import import_module
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from selfsame.pipelines.preprocessing.params import PreprocessingParameters
from selfsame.pipelines.preprocessing.recipes import build_recipe

Picture = NDArray[np.uint8]

PROJECT = Path(__file__).parents[2]
REFERENCES = Path(__file__).parent / "normalised"
SIZES = {"iris": (24, 160), "fingerprint": (72, 72), "face": (40, 32)}

MAX_MEAN_DIFFERENCE = 0.5
"""Grey levels, mask included: versions of OpenCV and NumPy round otherwise."""


def draw_eye() -> Picture:
    """A pupil, an iris with waves, a highlight, an upper lid with lashes and a sclera, 320 x 240 px."""
    y, x = np.mgrid[:240, :320].astype(float)
    radius, angle = np.hypot(x - 160, y - 120), np.arctan2(y - 120, x - 160)
    waves = sum(np.cos(k * angle + k * k * radius / 40) for k in (2, 3, 5, 7, 11, 13))
    eye = np.where(radius < 56, 90 + 6 * waves, 190)
    eye[np.hypot(x - 158, y - 118) < 24] = 20
    eye[np.hypot(x - 180, y - 140) < 4] = 255
    under_lid = y - 82 - (x - 160) ** 2 / 400
    eye[(under_lid < 16) & (x % 8 < 2)] = 40
    eye[under_lid < 0] = 205
    return np.asarray(cv2.GaussianBlur(eye, (0, 0), 1.0).clip(0, 255), np.uint8)


def draw_print() -> Picture:
    """An oval of bent ridges on a light ground, 96 x 103 px."""
    y, x = np.mgrid[:103, :96].astype(float)
    ridges = np.cos(2 * np.pi * np.hypot(x - 30, 1.2 * (y - 70)) / 8)
    oval = ((x - 48) / 38) ** 2 + ((y - 51) / 45) ** 2 < 1
    return np.asarray(np.where(oval, 128 + 90 * ridges, 235).round(), np.uint8)


def draw_face() -> Picture:
    """Shades that vary smoothly, 92 x 112 px."""
    y, x = np.mgrid[:112, :92].astype(float)
    shades = 128 + 50 * np.cos(x / 9) * np.sin(y / 13) + 40 * np.cos((x + y) / 21)
    return np.asarray(shades.round(), np.uint8)


DRAWN = {"iris": draw_eye, "fingerprint": draw_print, "face": draw_face}


def make_parameters(trait: str) -> PreprocessingParameters:
    """Parameters of a trait, with small pictures."""
    height, width = SIZES[trait]
    normalisation: dict[str, object] = {"kind": trait, "height": height, "width": width}
    if trait == "fingerprint":
        shipped = yaml.safe_load((PROJECT / "conf/base/parameters_preprocessing.yml").read_text())
        own = shipped["biometrics"]["fingerprint"]["preprocessing"]["normalisation"]
        normalisation = {**own, **normalisation}
    common = {"backend": "sequential", "workers": 1, "rows_per_shard": 1, "max_pixels": 10**6}
    return PreprocessingParameters.model_validate(
        {**common, "modality": trait, "normalisation": normalisation}
    )


def normalise(trait: str) -> Picture:
    """Decode and normalise the drawn capture of a trait: (2 h, w), the mask below the image."""
    recipe = build_recipe(make_parameters(trait), seed=1)
    made = recipe.normalise(recipe.decode(cv2.imencode(".bmp", DRAWN[trait]())[1].tobytes()))
    return np.concatenate([made.image, made.mask])


def locate_reference(trait: str) -> Path:
    version = import_module(f"selfsame.{trait}.normalisation").NORMALISATION_VERSION
    return REFERENCES / f"{trait}_{version}.png"


def differ(one: Picture, other: Picture) -> float:
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("trait", DRAWN)
def test_pixels_are_those_of_the_version_that_the_normalisation_states(trait: str) -> None:
    expected = cv2.imread(str(locate_reference(trait)), cv2.IMREAD_GRAYSCALE)
    assert expected is not None, f"no picture of this version of {trait}: write it as this module says"
    assert differ(normalise(trait), expected) <= MAX_MEAN_DIFFERENCE, (
        f"the pixels of {trait} changed: undo that, or raise NORMALISATION_VERSION as this module says"
    )


@pytest.mark.parametrize(
    ("trait", "constant", "changed"),
    [
        ("iris", "selfsame.iris.occlusion.LASH_LEVELS", 16.0),
        ("fingerprint", "selfsame.fingerprint.normalisation.DEVIATION", 56.0),
        ("face", "selfsame.face.normalisation.WHITE", 250),
    ],
)
def test_other_pixels_are_noticed(
    trait: str, constant: str, changed: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = normalise(trait)
    monkeypatch.setattr(constant, changed)
    assert differ(normalise(trait), before) > MAX_MEAN_DIFFERENCE


@pytest.mark.parametrize("trait", DRAWN)
def test_pictures_that_are_moved_by_one_pixel_are_noticed(trait: str) -> None:
    made = normalise(trait)
    for axis in (0, 1):
        assert differ(np.roll(made, 1, axis=axis), made) > MAX_MEAN_DIFFERENCE


if __name__ == "__main__":
    for name in DRAWN:
        cv2.imwrite(str(locate_reference(name)), normalise(name))
