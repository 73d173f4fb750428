"""Typed parameters of the preprocessing; their values are in parameters_preprocessing.yml."""

import re
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.parallel.backends import CLUSTERS, Backend
from selfsame.parameters import Settings

ADDRESSES = {"dask": r"(tcp|tls)://\S+:\d+", "ray": r"ray://\S+:\d+"}
"""What the address of a cluster looks like, by backend."""


class SyntheticImpressions(Settings):
    """Second impressions made by distortion, where every finger has one capture only."""

    count: NonNegativeInt  # of each capture; 0: none
    distortion: DistortionModel


class IrisNormalisation(Settings):
    """An eye becomes a polar strip."""

    kind: Literal["iris"]
    height: PositiveInt  # rows of the strip, from pupil to limbus
    width: PositiveInt  # columns of the strip, once round


class Resolution(Settings):
    """Which physical size a print is brought to; every key is checked, whether or not it is used."""

    target_dpi: PositiveFloat | None  # px per inch of the result; None: whatever fits height and width
    assumed_dpi: PositiveFloat  # of captures whose files state no resolution
    trust_files: bool  # whether what files state is used


class FingerprintNormalisation(Settings):
    """A print is cropped, centred and evened out."""

    kind: Literal["fingerprint"]
    height: PositiveInt  # px
    width: PositiveInt  # px
    resolution: Resolution
    synthetic_impressions: SyntheticImpressions


class FaceNormalisation(Settings):
    """A cropped face is brought to one size."""

    kind: Literal["face"]
    height: PositiveInt  # px
    width: PositiveInt  # px


Normalisation = Annotated[
    IrisNormalisation | FingerprintNormalisation | FaceNormalisation, Field(discriminator="kind")
]


class PreprocessingParameters(Settings):
    """How the captures of one modality become arrays."""

    modality: str  # of the manifest
    backend: Backend
    workers: int  # -1: as many as there are cores, of the cluster where there is an address
    address: str | None = None  # of a running cluster of Dask or Ray; None: one on this machine
    rows_per_shard: PositiveInt  # about the most rows of a shard
    max_pixels: PositiveInt  # an image that declares more is not decoded
    normalisation: Normalisation

    @model_validator(mode="after")
    def _check_workers(self) -> Self:
        if self.workers < 1 and self.workers != -1:
            raise ValueError(f"expected workers of 1 or more, or -1 for all cores, got {self.workers}")
        return self

    @model_validator(mode="after")
    def _check_address(self) -> Self:
        if self.address is not None and self.backend not in CLUSTERS:
            raise ValueError(
                f"expected an address with the backends {' and '.join(CLUSTERS)} only, got {self.address} "
                f"with {self.backend}"
            )
        if self.address is not None and not re.fullmatch(ADDRESSES[self.backend], self.address):
            raise ValueError(
                "expected an address such as tcp://host:8786 or tls://host:8786 with dask and "
                f"ray://host:10001 with ray, got {self.address} with {self.backend}"
            )
        return self
