"""A fixed bank of Gabor filters for prints: which way ridges run at each place, and how clearly."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

PERIODS_PX = (4.0, 4.0 * math.sqrt(2.0))
"""Ridge periods that the filters answer to: half an octave apart, together some 3.5 to 6.5 px."""

DIRECTIONS = 8
"""Ridge directions, 22.5 degrees apart, as in FingerCode."""

REACH_PERIODS = 0.8
"""Standard deviation of a filter's envelope in ridge periods: two to three ridges are seen at once."""

CUT = 2.5
"""Standard deviations at which the envelope is cut off: 4 % of its height."""

STRIDE = 2
"""Pixels between two places where the magnitude is taken; it varies as slowly as the envelope."""

CELL = 4
"""Magnitudes a cell along each axis; a cell is 8 px wide, and its mean is taken over one more magnitude."""

LEAST_ENERGY = 1e-6


class GaborBank(nn.Module):
    """Magnitudes of oriented Gabor filters, averaged over cells of 8 px. Nothing of it is trained.

    A print that moves by half a ridge period is the negative of itself, so a filter that sees single ridges
    forgets it. The magnitude of a complex filter tells only how clearly ridges of one direction and period
    run near a place, and this changes as slowly as the skin moves (A. K. Jain, S. Prabhakar, L. Hong and
    S. Pankanti, Filterbank-based fingerprint matching, 2000, which takes a deviation in sectors instead).
    """

    filters: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("filters", make_filters())

    @property
    def channels(self) -> int:
        """How many magnitudes a cell has: one for each period and direction."""
        return len(self.filters) // 2

    def forward(self, standardised: Tensor) -> list[Tensor]:
        """Filter prints.

        Args:
            standardised: (n, 2, height, width) float32: image of mean 0, 0 where unseen, then the mask.

        Returns:
            One feature map, (n, 16, height / 8, width / 8) rounded up, not negative.
        """
        margin = self.filters.shape[-1] // 2
        answers = functional.conv2d(standardised[:, :1], self.filters, stride=STRIDE, padding=margin)
        even, odd = answers.chunk(2, dim=1)
        magnitudes = (even.square() + odd.square() + LEAST_ENERGY).sqrt()
        cells = functional.avg_pool2d(
            magnitudes, kernel_size=CELL + 1, stride=CELL, padding=CELL // 2, count_include_pad=False
        )
        return [cells]


def make_filters() -> Tensor:
    """Make the even filters, then the odd ones: (2 * 16, 1, side, side) float32.

    By period, then direction: exp(-r^2 / (2 s^2)) times the cosine (less its mean, so that even grey gives 0)
    or the sine of 2 pi u / period, where u runs across the ridges.
    """
    reach = math.ceil(CUT * REACH_PERIODS * max(PERIODS_PX))
    along = torch.arange(-reach, reach + 1.0)
    y, x = torch.meshgrid(along, along, indexing="ij")
    even, odd = [], []
    for period in PERIODS_PX:
        envelope = torch.exp(-(x.square() + y.square()) / (2 * (REACH_PERIODS * period) ** 2))
        envelope /= envelope.sum()
        for k in range(DIRECTIONS):
            angle_rad = math.pi * k / DIRECTIONS
            phase = 2 * math.pi * (x * math.cos(angle_rad) + y * math.sin(angle_rad)) / period
            wave = envelope * torch.cos(phase)
            even.append(wave - envelope * wave.sum())
            odd.append(envelope * torch.sin(phase))
    return torch.stack(even + odd).unsqueeze(1)
