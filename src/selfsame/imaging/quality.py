"""Quality measures of a single grey image that need no model and no segmentation."""

import cv2
import numpy as np
from numpy.typing import NDArray

# From this level on an 8-bit sensor has clipped, mostly where the illumination is mirrored. Video cameras
# clip below 255 (those of the common near-infrared iris sets at 248).
HIGHLIGHT_LEVEL = 245


def measure_sharpness(image: NDArray[np.uint8]) -> float:
    """Compute the variance of the Laplacian of a (h, w) uint8 image, in squared grey levels.

    Source: Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy: a comparative study", 2000.
    """
    return float(cv2.Laplacian(image, cv2.CV_32F).var(dtype=np.float64))


def measure_brightness(image: NDArray[np.uint8]) -> float:
    """Compute the mean grey level of a uint8 image as a share of full white, 0..1."""
    return float(image.mean(dtype=np.float64) / 255)


def measure_contrast(image: NDArray[np.uint8]) -> float:
    """Compute the standard deviation of the grey levels of a uint8 image as a share of full white, 0..0.5."""
    return float(image.std(dtype=np.float64) / 255)


def measure_focus(image: NDArray[np.uint8]) -> float:
    """Compute the mean power of Daugman's focus filter over a (h, w) uint8 image, in squared grey levels.

    The 8x8 kernel is +3 on its central 4x4 and -1 around it; divided by its 48 positive units it is the mean
    of the inner square less the mean of the frame, a band-pass around the scale of iris texture. Written as
    two box filters. Borders, where the kernel leaves the image, are not counted; an image under 8 px gives 0.

    Source: Daugman, "How iris recognition works", 2004, its appendix on focus assessment.
    """
    height, width = image.shape
    if min(height, width) < 8:
        return 0.0
    levels = image.astype(np.float32)
    inner = cv2.boxFilter(levels, -1, (4, 4), normalize=False)
    whole = cv2.boxFilter(levels, -1, (8, 8), normalize=False)
    response = (4 * inner - whole) / 48
    valid = response[4 : height - 3, 4 : width - 3]
    return float(np.square(valid, dtype=np.float64).mean())


def measure_highlight_share(image: NDArray[np.uint8]) -> float:
    """Compute the share of pixels of a uint8 image at `HIGHLIGHT_LEVEL` or above, 0..1."""
    return float((image >= HIGHLIGHT_LEVEL).mean())
