"""Augmentation on the device, a batch at a time; the mask moves along, and nothing is mirrored."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from selfsame.learning.randomness import Draws
from selfsame.learning.training.regimen import Augmentation, PlanarAugmentation, PolarAugmentation

WHITE = 255.0
SMALLEST_OCCLUSION = 0.1
LARGEST_OCCLUSION = 0.5


def to_float(pixels: Tensor) -> Tensor:
    """Turn (n, 2, height, width) uint8 into float32 in [0, 1]."""
    return pixels.float() / WHITE


def augment(pixels: Tensor, settings: Augmentation, draws: Draws) -> Tensor:
    """Change captures as another capture of the same trait might differ.

    Args:
        pixels: (n, 2, height, width) float32 in [0, 1]: image, then mask.
        settings: how far the changes go.
        draws: the only source of randomness, on the device of the pixels.

    Returns:
        The same shape and range.
    """
    polar = isinstance(settings, PolarAugmentation)
    if isinstance(settings, PolarAugmentation):
        grid = move_polar(pixels, settings, draws)
    else:
        grid = move_planar(pixels, settings, draws)
    image, mask = _resample(pixels, grid, circular=polar).split(1, dim=1)
    factor = 1 + settings.contrast * draws.symmetric(1, 1, 1)
    offset = settings.brightness * draws.symmetric(1, 1, 1)
    noise = settings.noise * draws.normal(*image.shape[1:])
    hidden = _draw_occlusion(mask, settings.occlusion, draws, from_limbus=polar)
    return torch.cat([((image - 0.5) * factor + 0.5 + offset + noise).clamp(0, 1), mask * ~hidden], dim=1)


def move_polar(pixels: Tensor, settings: PolarAugmentation, draws: Draws) -> Tensor:
    """Draw a turn of the eye and an error of its boundaries.

    Returns:
        (n, height, width, 2) float32: where each pixel comes from, x then y, -1 to 1 from edge to edge; x
        may lie beyond the edges, where the strip begins again.
    """
    n, _, height, width = pixels.shape
    grid = _identity_grid(n, height, width, pixels.device)
    turn = settings.rotation_deg / 180 * draws.symmetric(1, 1)
    scale = 1 + settings.radial_scale * draws.symmetric(1, 1)
    shift = 2 * settings.radial_shift * draws.symmetric(1, 1)
    return torch.stack([grid[..., 0] + turn, grid[..., 1] * scale + shift], dim=-1)


def move_planar(pixels: Tensor, settings: PlanarAugmentation, draws: Draws) -> Tensor:
    """Draw a placement, a rotation and an elastic distortion of the skin.

    Returns:
        (n, height, width, 2) float32: where each pixel comes from, x then y, -1 to 1 from edge to edge.
    """
    n, _, height, width = pixels.shape
    grid = _identity_grid(n, height, width, pixels.device)
    angle = math.radians(settings.rotation_deg) * draws.symmetric(1, 1)
    scale = 1 + settings.scale * draws.symmetric(1, 1)
    shift = 2 * settings.translation * draws.symmetric(1, 1, 2)
    control = 2 * settings.elastic * draws.normal(2, settings.elastic_cells, settings.elastic_cells)
    elastic = functional.interpolate(control, size=(height, width), mode="bicubic", align_corners=True)
    x, y = grid[..., 0] * width / height, grid[..., 1]
    turned = torch.stack(
        [
            scale * (torch.cos(angle) * x - torch.sin(angle) * y) * height / width,
            scale * (torch.sin(angle) * x + torch.cos(angle) * y),
        ],
        dim=-1,
    )
    return turned + shift + elastic.permute(0, 2, 3, 1)


def _identity_grid(n: int, height: int, width: int, device: torch.device) -> Tensor:
    y = (torch.arange(height, device=device) + 0.5) / height * 2 - 1
    x = (torch.arange(width, device=device) + 0.5) / width * 2 - 1
    rows, columns = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([columns, rows], dim=-1).expand(n, -1, -1, -1)


def _resample(pixels: Tensor, grid: Tensor, *, circular: bool) -> Tensor:
    """Read pixels at a grid; beyond the edges a strip begins again and a plane is unseen."""
    if not circular:
        return functional.grid_sample(pixels, grid, padding_mode="zeros", align_corners=False)
    width = pixels.shape[-1]
    wrapped = torch.remainder(grid[..., 0] + 1, 2) - 1
    ring = functional.pad(pixels, (1, 1, 0, 0), mode="circular")
    narrowed = torch.stack([wrapped * width / (width + 2), grid[..., 1]], dim=-1)
    inside = (grid[..., 1].abs() <= 1).unsqueeze(1)
    image, mask = functional.grid_sample(ring, narrowed, padding_mode="border", align_corners=False).split(
        1, dim=1
    )
    return torch.cat([image, mask * inside], dim=1)


def _draw_occlusion(mask: Tensor, share: float, draws: Draws, *, from_limbus: bool) -> Tensor:
    """Draw what a share of the captures loses, (n, 1, height, width) bool, True where it is hidden.

    From the limbus it is a sector anywhere around the strip. Of a plane it is a rectangle, whose place is
    uniform among all that touch the picture, so that the border may cut it and every pixel is hidden equally
    often.
    """
    height, width = mask.shape[2:]
    drawn = draws.uniform(5, 1, 1).transpose(0, 1)
    size = SMALLEST_OCCLUSION + (LARGEST_OCCLUSION - SMALLEST_OCCLUSION) * drawn[:2]
    x = torch.arange(width, device=mask.device) / width
    y = (torch.arange(height, device=mask.device) / height).unsqueeze(1)
    if from_limbus:
        columns = torch.remainder(x - drawn[2], 1.0) < size[0]
        rows = y >= 1 - 2 * size[1]
    else:
        columns, rows = _cover(x, size[0], drawn[2]), _cover(y, size[1], drawn[3])
    return (rows & columns & (drawn[4] < share)).unsqueeze(1)


def _cover(positions: Tensor, size: Tensor, drawn: Tensor) -> Tensor:
    """Tell which positions in [0, 1) an interval covers that begins anywhere from `-size` to 1."""
    start = drawn * (1 + size) - size
    return (positions >= start) & (positions < start + size)
