"""The schema of operating_points.json: the fitted fusion and the thresholds that inference decides with."""

from collections.abc import Mapping

from pydantic import ValidationError, model_validator

from selfsame.errors import DamagedError
from selfsame.evaluation.results import Count, Interval, Rate, Result
from selfsame.matching.identification.answers import Recogniser
from selfsame.matching.score_fusion.fitting import read_fusion
from selfsame.protocols.names import Kind


class OperatingPoint(Result):
    """The threshold of a set of modalities at the stated FMR, on the best record of each subject.

    `synthetic_impressions` names those of its modalities whose probes were synthetic impressions.
    """

    modalities: list[str]
    synthetic_impressions: list[str]
    stated_fmr: Rate
    threshold: float
    fmr: Rate
    fmr_supported: bool
    fnmr: Rate
    fnmr_interval: Interval
    mated: Count
    non_mated: Count


class OperatingPoints(Result):
    """How inference compares and decides.

    Attributes:
        protocol: under which the fusion was fitted and the thresholds were chosen.
        modalities: the columns of the fitted fusion.
        chosen: the comparator of each modality.
        versions: of each modality the version of the templates that were compared.
        fitted: the document of the fitted fusion rule.
        points: for each set of modalities, named as `subset_key` does, its threshold.
    """

    protocol: Kind
    modalities: list[str]
    chosen: dict[str, str]
    versions: dict[str, str]
    fitted: dict[str, object]
    points: dict[str, OperatingPoint]

    @model_validator(mode="after")
    def _say_how_each_is_compared(self) -> "OperatingPoints":
        for name, known in (("chosen", self.chosen), ("versions", self.versions)):
            if set(known) != set(self.modalities):
                raise ValueError(f"expected {name} of {', '.join(self.modalities)}, got {', '.join(known)}")
        return self

    def to_recogniser(self) -> Recogniser:
        """Make what answers with them."""
        return Recogniser(
            chosen={modality: self.chosen[modality] for modality in self.modalities},
            versions=self.versions,
            fuse=read_fusion(self.fitted).apply,
            thresholds={name: point.threshold for name, point in self.points.items()},
        )


def read_operating_points(document: Mapping[str, object]) -> OperatingPoints:
    """Read the content of operating_points.json.

    Raises:
        DamagedError: it is not what the evaluation writes.
    """
    try:
        return OperatingPoints.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DamagedError(
            f"expected operating points as the evaluation writes them, got {where}: {first['msg']}"
            f"{_count_others(error)}: run evaluation again"
        ) from error


def _count_others(error: ValidationError) -> str:
    others = error.error_count() - 1
    return f" (and {others} more)" if others else ""
