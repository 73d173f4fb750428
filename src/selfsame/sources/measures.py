"""Which quality measures a capture of each modality has."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.quality import measure_ridges
from selfsame.imaging.quality import (
    measure_brightness,
    measure_contrast,
    measure_focus,
    measure_highlight_share,
    measure_sharpness,
)
from selfsame.sources.tables import QUALITY

Measure = Callable[[NDArray[np.uint8]], float]

_ANY: dict[str, Measure] = {
    "sharpness": measure_sharpness,
    "brightness": measure_brightness,
    "contrast": measure_contrast,
}
_IRIS: dict[str, Measure] = {"focus": measure_focus, "highlight_share": measure_highlight_share}


def measure_quality(image: NDArray[np.uint8], modality: str) -> dict[str, float | None]:
    """Measure a (h, w) uint8 capture; a column that its modality does not offer is None."""
    measured: dict[str, float | None] = dict.fromkeys(QUALITY)
    measured |= {name: measure(image) for name, measure in _ANY.items()}
    if modality.startswith("iris"):
        measured |= {name: measure(image) for name, measure in _IRIS.items()}
    if modality == "fingerprint":
        measured |= measure_ridges(image)
    return measured
