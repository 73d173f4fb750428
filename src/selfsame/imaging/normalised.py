"""The result of normalising one capture, whatever its trait."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Normalised:
    """A capture brought to its fixed size, with the mask of what may be compared.

    Attributes:
        image: (height, width) uint8 grey levels.
        mask: (height, width) uint8, 255 where the trait is visible and 0 where it is not.
        measures: what the normalisation learnt on the way (centres and radii in px, shares in 0..1).
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]
    measures: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.image.ndim != 2 or self.image.dtype != np.uint8:
            raise ValueError(
                f"expected a (height, width) uint8 image, got {self.image.shape} {self.image.dtype}"
            )
        if self.mask.shape != self.image.shape or self.mask.dtype != np.uint8:
            raise ValueError(f"expected a uint8 mask of shape {self.image.shape}, got {self.mask.shape}")
