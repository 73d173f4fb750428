"""The comparators by kind: how a capture becomes a template, and how two templates are compared.

A comparator is its settings, so that the parameters name everything that its scores depend on. A new one is
a class here and one more member of `ComparatorSettings`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, TypeAdapter, ValidationError

from selfsame.errors import DamagedError
from selfsame.face.eigenfaces import EigenfaceSettings
from selfsame.fingerprint.comparison_settings import PrintComparison
from selfsame.iris.codes import IrisCodeSettings

COSINE = "cosine"
"""The comparator of the trained network's embeddings; it has no settings."""

Rows = NDArray[np.uint8]
"""(n, 2, height, width): images and their masks (0 or 255)."""

Templates = NDArray[np.generic]
"""(n, ...): one template a row, all of one type and shape."""

Learnt = Mapping[str, NDArray[np.generic]]
"""What a comparator learnt from images, by name; empty where it learns nothing."""


Compare = Callable[[Templates, Templates], NDArray[np.float32]]
"""Compares p with r templates: (p, r), NaN where two cannot be compared."""


class Comparator(Protocol):
    """What every comparator offers.

    Attributes:
        learns: whether it has to be fitted on training images first.
        modules: that make and compare its templates; those of other code, or of what these import, are not
            compared with them.
    """

    learns: ClassVar[bool]
    modules: ClassVar[tuple[str, ...]]

    def fit(self, rows: Rows) -> Learnt:
        """Learn from training images, (n, 2, height, width)."""

    def encode(self, rows: Rows, learnt: Learnt) -> Templates:
        """Make a template of each row."""

    def compare(self, probes: Templates, references: Templates) -> NDArray[np.float32]:
        """Compare p with r templates: (p, r), higher is more alike, NaN where two cannot be compared."""

    def model_dump(self, *, mode: str) -> dict[str, object]:
        """Give the settings."""


class LearnsNothing:
    """What the classical comparators share."""

    learns: ClassVar[bool] = False

    def fit(self, rows: Rows) -> Learnt:
        """Learn nothing from the (n, 2, height, width) rows."""
        return {}


class IrisCode(IrisCodeSettings, LearnsNothing):
    """Phase codes of the unwrapped iris, compared by their Hamming distance (Daugman)."""

    kind: Literal["iris_code"]
    modules: ClassVar[tuple[str, ...]] = ("selfsame.iris.codes",)

    def encode(self, rows: Rows, learnt: Learnt) -> Templates:
        """Make (n, 2, words) codes and masks."""
        from selfsame.iris.codes import encode_iris_codes

        return encode_iris_codes(rows, self)

    def compare(self, probes: Templates, references: Templates) -> NDArray[np.float32]:
        """Compare over the rotations of the head."""
        from selfsame.iris.codes import compare_iris_codes

        return compare_iris_codes(probes.astype(np.uint64), references.astype(np.uint64), self)


class Minutiae(PrintComparison, LearnsNothing):
    """Minutiae of a print and their cylinders, compared with relaxation (Cappelli, Ferrara and Maltoni)."""

    kind: Literal["minutiae"]
    modules: ClassVar[tuple[str, ...]] = (
        "selfsame.fingerprint.encoding",
        "selfsame.fingerprint.comparison",
    )

    def encode(self, rows: Rows, learnt: Learnt) -> Templates:
        """Make (n, bytes) templates."""
        from selfsame.fingerprint.encoding import encode_prints

        return encode_prints(rows, self)

    def compare(self, probes: Templates, references: Templates) -> NDArray[np.float32]:
        """Compare in any pose that the settings allow."""
        from selfsame.fingerprint.comparison import compare_prints

        return compare_prints(probes.astype(np.uint8), references.astype(np.uint8), self)


class EigenfaceComparator(EigenfaceSettings):
    """Coordinates along the directions in which training faces vary most, compared by their cosine."""

    kind: Literal["eigenfaces"]
    learns: ClassVar[bool] = True
    modules: ClassVar[tuple[str, ...]] = ("selfsame.face.eigenfaces",)

    def fit(self, rows: Rows) -> Learnt:
        """Find the directions in (n, 2, height, width) training faces."""
        from selfsame.face.eigenfaces import fit_eigenfaces

        found = fit_eigenfaces(rows[:, 0], self)
        return {
            "mean": found.mean,
            "directions": found.directions,
            "variances": found.variances,
            "total_variance": np.array([found.total_variance]),
        }

    def encode(self, rows: Rows, learnt: Learnt) -> Templates:
        """Make (n, components) float32 vectors of unit length."""
        from selfsame.face.eigenfaces import Eigenfaces

        found = Eigenfaces(
            mean=learnt["mean"].astype(np.float32),
            directions=learnt["directions"].astype(np.float32),
            variances=learnt["variances"].astype(np.float32),
            total_variance=float(learnt["total_variance"][0]),
            whitening=self.whitening,
        )
        return found.embed(rows[:, 0])

    def compare(self, probes: Templates, references: Templates) -> NDArray[np.float32]:
        """Compare by the cosine."""
        return compare_cosines(probes, references)


ComparatorSettings = Annotated[IrisCode | Minutiae | EigenfaceComparator, Field(discriminator="kind")]


def compare_cosines(probes: Templates, references: Templates) -> NDArray[np.float32]:
    """Compare (p, d) with (r, d) vectors of unit length: (p, r) cosines in [-1, 1]."""
    products = probes.astype(np.float32, copy=False) @ references.astype(np.float32, copy=False).T
    return np.clip(products, np.float32(-1), np.float32(1))


def write_settings(comparator: Comparator) -> str:
    """Write a comparator as JSON, so that templates can say what made them."""
    return json.dumps(comparator.model_dump(mode="json"), sort_keys=True)


def read_compare(name: str, settings: str) -> Compare:
    """Read how templates of a comparator are compared.

    Args:
        name: of the comparator.
        settings: from `write_settings`; not looked at for `cosine`.

    Raises:
        DamagedError: the settings are not those of a comparator.
    """
    if name == COSINE:
        return compare_cosines
    try:
        comparator: Comparator = TypeAdapter(ComparatorSettings).validate_json(settings)
    except ValidationError as error:
        raise DamagedError(
            f"expected the settings of comparator {name}, got {error.errors()[0]['msg']}: "
            "run evaluation again"
        ) from error
    return comparator.compare
