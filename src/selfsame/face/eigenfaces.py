"""Eigenfaces: the directions in which a set of faces varies most, and faces as points along them.

Sources: L. Sirovich, M. Kirby, "Low-dimensional procedure for the characterization of human faces", Journal
of the Optical Society of America A 4 (1987); M. Turk, A. Pentland, "Eigenfaces for recognition", Journal of
Cognitive Neuroscience 3 (1991).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from selfsame.errors import InputError, MismatchError
from selfsame.parameters import Settings

Float = NDArray[np.float32]

SMALLEST_VARIANCE_SHARE = 1e-10
"""Of the largest variance; a direction with less is rounding error, and whitening would make it noise."""


class EigenfaceSettings(Settings):
    """How many directions are kept, and whether all count alike."""

    components: PositiveInt  # at most; rows less one and directions that vary bound it
    whitening: bool  # whether each direction is divided by its deviation


@dataclass(frozen=True)
class Eigenfaces:
    """What was learnt from training faces.

    Attributes:
        mean: (pixels,) float32, the mean face.
        directions: (components, pixels) float32, orthonormal, those of most variance first.
        variances: (components,) float32, of the training faces along each direction.
        total_variance: of the training faces, over all directions.
        whitening: whether coordinates are divided by their deviation.
    """

    mean: Float
    directions: Float
    variances: Float
    total_variance: float
    whitening: bool

    @property
    def explained_share(self) -> float:
        """Share (0..1) of the training faces' variance that the kept directions hold."""
        return float(self.variances.sum() / self.total_variance)

    def project(self, rows: NDArray[np.number]) -> Float:
        """Find the coordinates of faces.

        Args:
            rows: (n, ...) faces, as many numbers a row as the training faces had.

        Returns:
            (n, components) float32.

        Raises:
            MismatchError: the faces have another size.
        """
        flat = _flatten(rows)
        if flat.shape[1] != len(self.mean):
            raise MismatchError(
                f"expected faces of {len(self.mean)} pixels as in the eigenfaces, got {flat.shape[1]}: "
                "normalise both with one height and width"
            )
        coordinates = (flat - self.mean) @ self.directions.T
        return (coordinates / np.sqrt(self.variances) if self.whitening else coordinates).astype(np.float32)

    def embed(self, rows: NDArray[np.number]) -> Float:
        """Find the coordinates of faces, each scaled to unit length; the mean face itself stays 0."""
        coordinates = self.project(rows)
        length = np.linalg.norm(coordinates, axis=1, keepdims=True)
        unit: Float = np.divide(coordinates, length, out=np.zeros_like(coordinates), where=length > 0)
        return unit


def fit_eigenfaces(rows: NDArray[np.number], settings: EigenfaceSettings) -> Eigenfaces:
    """Find the principal directions of training faces.

    With fewer faces than pixels the small matrix of inner products has the same eigenvalues (Turk and
    Pentland 1991, p. 74), so the cost is n^2 pixels. Directions have the sign that makes their largest entry
    positive: a fit is the same on any machine, to rounding.

    Args:
        rows: (n, ...) training faces, two or more.
        settings: how many directions.

    Raises:
        InputError: fewer than two faces, or all are the same.
    """
    if len(rows) < 2:
        raise InputError(
            f"expected two or more faces to learn eigenfaces from, got {len(rows)}: add captures"
        )
    flat = _flatten(rows).astype(np.float64)
    mean = flat.mean(axis=0)
    centred = flat - mean
    n, pixels = centred.shape
    wide = n <= pixels
    values, vectors = np.linalg.eigh((centred @ centred.T if wide else centred.T @ centred) / (n - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    kept = min(settings.components, n - 1, int((values > SMALLEST_VARIANCE_SHARE * values[0]).sum()))
    if values[0] <= 0 or kept < 1:
        raise InputError(f"expected faces that differ, got {n} copies of one: check the captures")
    directions = (centred.T @ vectors[:, :kept]).T if wide else vectors[:, :kept].T
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=1)[:, None], axis=1)
    return Eigenfaces(
        mean=mean.astype(np.float32),
        directions=(directions * np.sign(largest)).astype(np.float32),
        variances=values[:kept].astype(np.float32),
        total_variance=float((centred**2).sum() / (n - 1)),
        whitening=settings.whitening,
    )


def _flatten(rows: NDArray[np.number]) -> Float:
    return rows.reshape(len(rows), -1).astype(np.float32)
