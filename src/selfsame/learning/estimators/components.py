"""Principal components of pictures, scaled as the linear estimators expect them."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from selfsame.face.eigenfaces import Eigenfaces, EigenfaceSettings, fit_eigenfaces


@dataclass(frozen=True)
class Components:
    """Coordinates along principal directions, whose mean squared length is 1 on the training pictures.

    One factor for all directions, unlike whitening: a cost or a prior then means the same for pictures of any
    size and contrast.
    """

    faces: Eigenfaces
    scale: float

    @classmethod
    def fit(cls, images: NDArray[np.uint8], components: int, *, whitening: bool) -> Self:
        """Learn from (n, height, width) training pictures alone."""
        faces = fit_eigenfaces(images, EigenfaceSettings(components=components, whitening=whitening))
        coordinates = faces.project(images).astype(np.float64)
        return cls(faces, float(np.sqrt((coordinates**2).sum(axis=1).mean())))

    def transform(self, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return (n, components) coordinates."""
        return self.faces.project(images).astype(np.float64) / self.scale
