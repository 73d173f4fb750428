"""The typed parameters of the comparison. Their values are in conf/base/parameters_comparison.yml."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from selfsame.matching.comparators import COSINE, ComparatorSettings
from selfsame.parameters import Settings

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]  # files are named after it


class ComparisonParams(Settings):
    """Which comparators one modality has beside that of the trained network, and their settings."""

    workers: int = Field(ge=-1)  # processes; -1: as many as there are cores
    batch_size: int = Field(gt=0)  # captures that a worker encodes at a time
    comparators: dict[Name, ComparatorSettings]  # by name; none: the modality has the trained network alone

    @field_validator("comparators")
    @classmethod
    def _keep_name_of_network(cls, given: dict[str, ComparatorSettings]) -> dict[str, ComparatorSettings]:
        if COSINE in given:
            raise ValueError(f"expected other names than {COSINE}, which is the comparator of the network")
        return given
