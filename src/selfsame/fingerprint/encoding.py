"""From the array of a print to its template."""

import cv2
import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.comparison_settings import PrintComparison
from selfsame.fingerprint.cylinders import build_cylinders
from selfsame.fingerprint.enhancement import enhance
from selfsame.fingerprint.minutiae import find_minutiae
from selfsame.fingerprint.phase_map import map_phases
from selfsame.fingerprint.template import describe_layout, pack

STANDARD_DPI = 500.0
"""px per inch at which prints are analysed; the unit of all lengths."""


def encode_prints(rows: NDArray[np.uint8], settings: PrintComparison) -> NDArray[np.uint8]:
    """Encode prints into templates.

    Args:
        rows: (n, 2, height, width) uint8: image (dark ridges, local mean 128) and mask (255 inside).
        settings: those of the comparison.

    Returns:
        (n, bytes) uint8, C-contiguous; a print without ridges has a template with no minutiae.
    """
    templates = np.zeros((len(rows), describe_layout(settings).itemsize), np.uint8)
    for template, row in zip(templates, rows, strict=True):
        levels, mask = _bring_to_standard(row, settings.resolution_dpi)
        ridges = enhance(levels, mask, settings.ridges)
        if ridges is None:
            continue
        found = find_minutiae(ridges, settings.minutiae)
        cylinders = build_cylinders(found, settings.cylinders)
        template[:] = pack(found, cylinders, map_phases(ridges, mask.shape, settings.phase), settings)
    return templates


def _bring_to_standard(
    row: NDArray[np.uint8], resolution_dpi: float
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Resample image and mask to STANDARD_DPI, and the image to mean 0 and deviation near 1."""
    image, mask = row
    zoom = STANDARD_DPI / resolution_dpi
    levels = (image.astype(np.float32) - 128) / 64
    if zoom == 1:
        return levels, mask
    size = (max(1, round(image.shape[1] * zoom)), max(1, round(image.shape[0] * zoom)))
    filtering = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    scaled = np.asarray(cv2.resize(levels, size, interpolation=filtering), np.float32)
    return scaled, np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.uint8)
