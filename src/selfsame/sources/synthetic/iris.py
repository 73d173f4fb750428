"""The texture of a procedural iris: what an identity keeps from capture to capture."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.sources.synthetic.eye_model import EyeModel

ROWS = 64
"""Rows of a texture, from the pupil to the limbus: twice the pixels of an iris's width at 320x240."""
COLUMNS = 512
"""Columns of a texture, once around: twice the pixels of an iris's middle circle at 320x240."""

FIBRES, BLOTCHES, FURROWS, COLLARETTE, CRYPTS = 0.9, 0.6, 0.5, 0.7, 1.6
"""How much of each structure a texture holds before it is brought to unit deviation."""


@dataclass(frozen=True)
class IrisMaster:
    """One identity: an iris and the lids around it.

    Attributes:
        texture: (64, 512) float32 of zero mean and unit deviation in rubber-sheet coordinates: row 0 at the
            pupil, last row at the limbus; column 0 at 3 o'clock; columns advance clockwise as the image
            is seen.
        limbus_radius_px: radius of the limbus.
        level: mean grey level of the iris.
        skin_level: mean grey level of the skin.
        opening: height of the upper lid over the eye's axis, in radii of the limbus.
        length: half the distance between the corners of the eye, in radii of the limbus.
        skew: how far the lid's summit lies to the right, as a share of `length`.
        lash_lift: how far the upper lashes point up (1) or down over the eye (-1).
        eccentricity: offset (x, y) of the pupil's centre from the limbus's, in radii of the limbus.
    """

    texture: NDArray[np.float32]
    limbus_radius_px: float
    level: float
    skin_level: float
    opening: float
    length: float
    skew: float
    lash_lift: float
    eccentricity: tuple[float, float]


def synthesise_iris(rng: np.random.Generator, model: EyeModel, *, nose: int) -> IrisMaster:
    """Draw one identity.

    Args:
        rng: the identity's own generator.
        model: the population.
        nose: where the nose is in the image: 1 to the right of the eye, -1 to the left.
    """
    radius = model.limbus_share * model.height_px * np.exp(rng.normal(0, model.limbus_spread))
    return IrisMaster(
        texture=synthesise_texture(rng),
        limbus_radius_px=float(min(radius, 0.45 * model.height_px)),
        level=rng.uniform(75, 120),
        skin_level=rng.uniform(165, 205),
        opening=rng.uniform(model.opening_low, model.opening_high),
        length=rng.uniform(1.9, 2.3),
        skew=nose * rng.uniform(0.05, 0.2),
        lash_lift=rng.uniform(-0.5, 0.7),
        eccentricity=(nose * rng.uniform(0.0, 0.05), rng.uniform(-0.03, 0.03)),
    )


def synthesise_texture(rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw the texture of one iris: radial fibres, blotches, contraction furrows, a collarette and crypts.

    Each is noise of its own band: fibres are fine around and long along the radius, furrows the reverse.

    Returns:
        (64, 512) float32, zero mean, unit deviation, periodic along the columns.
    """
    radius = np.linspace(0, 1, ROWS, dtype=np.float32)[:, None]
    edge = 0.3 + 0.05 * _band(rng, 1e-3, 12)[:1]
    fibres = _band(rng, 8, 2.2) - 0.6 * _band(rng, 10, 8)
    furrows = _band(rng, 1.6, 28) * np.clip((radius - edge) / 0.3, 0, 1)
    collarette = np.exp(-(((radius - edge) / 0.06) ** 2))
    texture = (
        FIBRES * fibres * (0.7 + 0.3 * (radius > edge))
        + BLOTCHES * _band(rng, 4, 7)
        + FURROWS * furrows
        + COLLARETTE * collarette
        - CRYPTS * _crypts(rng, edge[0])
    )
    return ((texture - texture.mean()) / texture.std()).astype(np.float32)


def _band(rng: np.random.Generator, row_sigma: float, column_sigma: float) -> NDArray[np.float32]:
    """Draw smoothed noise, (64, 512), periodic along the columns, zero mean, unit deviation."""
    noise = rng.standard_normal((ROWS, COLUMNS), dtype=np.float32)
    margin = int(np.ceil(3 * column_sigma))
    padded = np.pad(noise, ((0, 0), (margin, margin)), mode="wrap")
    smooth = cv2.GaussianBlur(padded, (2 * margin + 1, 0), column_sigma, sigmaY=row_sigma)[:, margin:-margin]
    return (smooth - smooth.mean()) / smooth.std()


def _crypts(rng: np.random.Generator, edge: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draw openings of the stroma beside the collarette, (64, 512) of 0 to about 1; `edge` is (512,)."""
    crypts = np.zeros((ROWS, COLUMNS), np.float32)
    rows = np.arange(ROWS, dtype=np.float32)[:, None]
    for _ in range(rng.integers(12, 25)):
        column = int(rng.integers(COLUMNS))
        centre = ROWS * (edge[column] + rng.normal(0.12, 0.1))
        height, width = rng.uniform(3, 8), rng.uniform(4, 11)
        reach = np.arange(-24, 25)
        blob = ((rows - centre) / height) ** 2 + (reach / width)[None] ** 2
        columns = (column + reach) % COLUMNS
        crypts[:, columns] = np.maximum(crypts[:, columns], np.exp(-(blob**2)))
    return crypts
