"""The schema of metrics.json. docs/metrics.md defines each number. No number may be NaN or infinite."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from selfsame.errors import DamagedError

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Interval = tuple[Rate, Rate]


class Result(BaseModel):
    """What all parts of the results share: nothing unknown, nothing changed, nothing that is not a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Protocol(Result):
    """Who was compared with whom, and how the intervals were made."""

    kind: Literal["closed_set", "subject_disjoint"]
    model_version: str
    subjects: Count
    reference_captures: Count
    probe_captures: Count
    modalities: list[str]
    synthetic_impressions: list[str]
    fusion_weights: dict[str, float]
    confidence: Rate
    resamples: Count
    seed: int


class FnmrAtFmr(Result):
    """FNMR at the threshold that holds an FMR."""

    fnmr: Rate
    interval: Interval
    threshold: float
    fmr: Rate
    fmr_supported: bool
    fnmr_with_failures: Rate
    fnmr_with_failures_interval: Interval


class Verification(Result):
    """One-to-one comparison. Failures to acquire are left out, except where a name says `with_failures`."""

    modalities: list[str]
    eer: Rate
    eer_interval: Interval
    fnmr_at_fmr: dict[str, FnmrAtFmr]
    mated: Count
    non_mated: Count
    subjects: Count
    non_mated_subject_pairs: Count
    mated_attempted: Count
    mated_failed: Count


class Identification(Result):
    """One-to-many search. Failures to acquire are left out, except where a name says `with_failures`."""

    rank_1: Rate
    rank_1_interval: Interval
    rank_1_with_failures: Rate
    rank_1_with_failures_interval: Interval
    rank_5: Rate
    rank_5_interval: Interval
    probes: Count
    probes_attempted: Count
    probes_failed: Count
    enrolled: Count
    subjects: Count
    cmc: list[Rate]

    @model_validator(mode="after")
    def _rises(self) -> "Identification":
        if any(later < before for before, later in zip(self.cmc, self.cmc[1:], strict=False)):
            raise ValueError("expected a cumulative match characteristic that never falls")
        return self


class Classification(Result):
    """Naming the subject with the trained classifier (closed set)."""

    accuracy: Rate
    accuracy_interval: Interval
    precision_macro: Rate
    precision_macro_interval: Interval
    recall_macro: Rate
    recall_macro_interval: Interval
    f1_macro: Rate
    f1_macro_interval: Interval
    presentations: Count
    presentations_failed: Count
    subjects: Count
    confusions: list[tuple[str, str, int]]


class FailureToAcquire(Result):
    """Captures (or synthetic impressions) that gave no template."""

    attempted: Count
    failed: Count
    rate: Rate
    interval: Interval
    reasons: dict[str, int]


class LeftOut(Result):
    """A figure without error rates: why, and what was attempted."""

    reason: str
    mated_attempted: Count
    mated_failed: Count
    probes_attempted: Count
    probes_failed: Count


class OperatingPoint(Result):
    """The threshold of a set of modalities at the stated FMR, on the best record of each subject.

    `synthetic_impressions` names those of its modalities whose probes were synthetic impressions.
    """

    model_version: str
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


class Metrics(Result):
    """The whole of metrics.json. `classification` is empty unless the protocol is closed_set.

    A figure is in `verification` and `identification`, or in `left_out`.
    """

    schema_version: Literal[1] = 1
    protocol: Protocol
    verification: dict[str, Verification] = Field(min_length=1)
    identification: dict[str, Identification] = Field(min_length=1)
    left_out: dict[str, LeftOut]
    classification: dict[str, Classification]
    failure_to_acquire: dict[str, FailureToAcquire]


def read_operating_points(document: Mapping[str, object]) -> dict[str, OperatingPoint]:
    """Read the content of operating_points.json.

    Raises:
        DamagedError: it is not what the evaluation writes.
    """
    try:
        return {name: OperatingPoint.model_validate(point) for name, point in document.items()}
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise DamagedError(
            f"expected operating points as the evaluation writes them, got {where}: {first['msg']} "
            f"(and {error.error_count() - 1} more): run evaluation again"
        ) from error
