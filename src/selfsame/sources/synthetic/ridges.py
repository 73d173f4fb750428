"""Growing ridges along an orientation field."""

import cv2
import numpy as np
from numpy.typing import NDArray

FloatField = NDArray[np.float32]

GROWTH_PERIOD_PX = 5.0
"""Ridge period while growing: the coarsest grid on which a filter of three periods still has its shape."""

KERNEL_SIDE_PX = 13
"""Side of a filter: two and a half periods."""

ACROSS_PX, ALONG_PX = 1.7, 3.0
"""Standard deviations of the filter's window across and along the ridge: longer ones leave fewer minutiae."""

GROWTH_GAIN = 2.5
"""How much one round amplifies ridges before they saturate at -1 and 1."""


def grow_ridges(
    orientation_rad: FloatField, period: FloatField, rng: np.random.Generator, *, steps: int
) -> FloatField:
    """Grow ridges from random seeds by filtering again and again with Gabor filters tuned to each pixel.

    Where ridges from different seeds meet out of phase, endings and bifurcations form and stay: these are the
    minutiae (Cappelli, Maio and Maltoni, Synthetic fingerprint-database generation, 2002).

    Args:
        orientation_rad: (height, width) float32, on a grid where the mean ridge period is GROWTH_PERIOD_PX.
        period: (height, width) float32 ridge period in px.
        rng: draws the seeds.
        steps: rounds of filtering.

    Returns:
        (height, width) float32 in -1 (valley) .. 1 (ridge).
    """
    height, width = orientation_rad.shape
    margin = KERNEL_SIDE_PX // 2
    kernels = _tune_kernels(orientation_rad, period)
    ridges = rng.uniform(-0.2, 0.2, (height, width)).astype(np.float32)
    taps = np.empty((height, width, KERNEL_SIDE_PX, KERNEL_SIDE_PX), np.float32)
    for _ in range(steps):
        framed = cv2.copyMakeBorder(ridges, margin, margin, margin, margin, cv2.BORDER_REFLECT_101)
        taps[...] = np.lib.stride_tricks.sliding_window_view(framed, (KERNEL_SIDE_PX, KERNEL_SIDE_PX))
        flat = taps.reshape(height * width, -1)
        grown = np.einsum("ij,ij->i", flat, kernels).reshape(height, width)
        ridges = np.clip(GROWTH_GAIN * grown, -1, 1)
    return ridges


def _tune_kernels(orientation_rad: FloatField, period: FloatField) -> FloatField:
    """Make one Gabor filter of zero mean and unit absolute sum a pixel: (pixels, taps) float32."""
    reach = np.arange(KERNEL_SIDE_PX, dtype=np.float32) - KERNEL_SIDE_PX // 2
    down, right = (axis.reshape(1, -1) for axis in np.meshgrid(reach, reach, indexing="ij"))
    cosine = np.cos(orientation_rad).reshape(-1, 1)
    sine = np.sin(orientation_rad).reshape(-1, 1)
    across = cosine * down - sine * right
    along = cosine * right + sine * down
    window = np.exp(-0.5 * ((across / ACROSS_PX) ** 2 + (along / ALONG_PX) ** 2))
    kernels = window * np.cos(np.float32(2 * np.pi) * across / period.reshape(-1, 1))
    kernels -= window * (kernels.sum(axis=1, keepdims=True) / window.sum(axis=1, keepdims=True))
    kernels /= np.abs(kernels).sum(axis=1, keepdims=True)
    return np.asarray(kernels, np.float32)
