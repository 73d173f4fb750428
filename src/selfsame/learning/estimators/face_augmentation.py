"""Augmentation of faces: small moves, a mirror and a lamp from one side."""

import math

import torch
from torch import Generator, Tensor
from torch.nn import functional

from selfsame.learning.estimators.settings import FaceAugmentation


def augment_faces(pixels: Tensor, settings: FaceAugmentation, generator: Generator) -> Tensor:
    """Change faces as another capture might differ.

    What a move uncovers repeats the edge, so that no black frame tells that a picture was moved.

    Args:
        pixels: (n, 1, height, width) float32 in [0, 1].
        settings: how far the changes go.
        generator: the only source of randomness, on the device of the pixels.

    Returns:
        The same shape; light may leave the range.
    """
    n, _, _, width = pixels.shape
    grid = functional.affine_grid(
        _draw_moves(pixels, settings, generator), list(pixels.shape), align_corners=False
    )
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    across = torch.linspace(-1, 1, width, device=pixels.device)
    return moved * (1 + settings.lighting * _symmetric((n, 1, 1, 1), generator) * across)


def _draw_moves(pixels: Tensor, settings: FaceAugmentation, generator: Generator) -> Tensor:
    """Draw an affine map a face, (n, 2, 3), in coordinates of -1 to 1 from edge to edge."""
    n, _, height, width = pixels.shape
    angle = math.radians(settings.rotation_deg) * _symmetric((n,), generator)
    scale = 1 + settings.scale * _symmetric((n,), generator)
    mirrored = torch.rand((n,), generator=generator, device=pixels.device) < 0.5
    side = torch.where(mirrored & settings.mirror, -1.0, 1.0)
    aspect = height / width
    moves = torch.empty((n, 2, 3), device=pixels.device)
    moves[:, 0, 0] = side * scale * angle.cos()
    moves[:, 0, 1] = -scale * angle.sin() * aspect
    moves[:, 1, 0] = side * scale * angle.sin() / aspect
    moves[:, 1, 1] = scale * angle.cos()
    moves[:, :, 2] = 2 * settings.translation * _symmetric((n, 2), generator)
    return moves


def _symmetric(shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Draw uniformly from [-1, 1)."""
    return torch.rand(shape, generator=generator, device=generator.device) * 2 - 1
