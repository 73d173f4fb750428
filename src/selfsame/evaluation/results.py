"""The schema of metrics.json. docs/metrics.md defines each number. No number may be NaN or infinite."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfsame.protocols.names import Kind

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Count = Annotated[int, Field(ge=0)]
Interval = tuple[Rate, Rate]
Bounds = tuple[float, float]


class Result(BaseModel):
    """What all parts of the results share: nothing unknown, nothing changed, nothing that is not a number."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Setting(Result):
    """What was evaluated, and how the intervals were made.

    `comparators` are those of each modality; `chosen` is the one of them that the fusion rules fuse and that
    inference uses, with the rule `fusion`. `model_version` is null and `fusion_weights` empty where nothing
    was trained.
    """

    modalities: list[str]
    synthetic_impressions: list[str]
    comparators: dict[str, list[str]]
    chosen: dict[str, str]
    fusion: str
    model_version: str | None
    fusion_weights: dict[str, float]
    confidence: Rate
    resamples: Count
    seed: int


class Protocol(Result):
    """Who was compared with whom. A capture that is compared with every other counts on both sides."""

    folds: Count
    subjects: Count
    unenrolled_subjects: Count
    reference_captures: Count
    probe_captures: Count


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

    eer: Rate
    eer_interval: Interval
    auc: Rate
    auc_interval: Interval
    fnmr_at_fmr: dict[str, FnmrAtFmr]
    smallest_fmr: Rate  # that the pairs of subjects support, by the rule of three
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


class FnirAtFpir(Result):
    """FNIR (rank 1) at the threshold that holds an FPIR."""

    fnir: Rate
    interval: Interval
    threshold: float
    fpir: Rate
    fpir_supported: bool  # whether the subjects who are not enrolled suffice to show so low an FPIR


class OpenSet(Result):
    """Search of a gallery that some of the searched are not in (ISO/IEC 19795-1)."""

    fnir_at_fpir: dict[str, FnirAtFpir]
    curve: list[tuple[Rate, Rate]]  # (FPIR, FNIR) from accept all to reject all, thinned for drawing
    mated_searches: Count
    non_mated_searches: Count
    enrolled: Count
    unenrolled: Count


class Calibration(Result):
    """Of the log-likelihood ratios that cross-fitted calibration makes of the scores, in bits."""

    cllr: Annotated[float, Field(ge=0.0)]
    min_cllr: Annotated[float, Field(ge=0.0)]


class Outcome(Result):
    """What one comparator, or one fusion rule, reached on one figure under one protocol."""

    protocol: Kind
    figure: str
    modalities: list[str]
    comparator: str
    verification: Verification
    identification: Identification | None  # null under subject_disjoint: no subject has a gallery apart
    open_set: OpenSet | None  # null except under open_set
    calibration: Calibration | None  # null where there are too few subjects to cross-fit


class LeftOut(Result):
    """A figure without error rates: why, and what was attempted."""

    protocol: Kind
    figure: str
    comparator: str
    reason: str
    mated_attempted: Count
    mated_failed: Count
    probes_attempted: Count
    probes_failed: Count


class SubsetVerdict(Result):
    """A fusion beside the best of its members on the same comparisons; `worse`: beyond the interval."""

    protocol: Kind
    figure: str
    modalities: list[str]
    rule: str
    eer: Rate
    best_member: str
    best_member_eer: Rate
    difference: float  # EER of the fusion less that of the best member
    difference_interval: Bounds
    worse: bool


class DiscardCurve(Result):
    """FNMR of the comparisons that are left when those of lowest quality are discarded."""

    protocol: Kind
    figure: str
    comparator: str
    measure: str  # the quality measure; that of a comparison is the lower of its two sides
    threshold: float
    shares: list[Rate]  # discarded, from 0 to details.largest_discard
    fnmr: list[Rate]
    partial_area: float  # under this curve, less that of the ideal one


class GroupRates(Result):
    """Error rates of one group at the common threshold."""

    subjects: Count
    mated: Count
    non_mated: Count
    fnmr: Rate
    fnmr_interval: Interval
    fmr: Rate
    fmr_interval: Interval


class Differential(Result):
    """How far error rates differ between the groups of a column, or why that cannot be said."""

    protocol: Kind
    figure: str
    comparator: str
    column: str
    threshold: float | None
    groups: dict[str, GroupRates]
    fnmr_spread: float | None  # largest less smallest FNMR
    fnmr_spread_interval: Bounds | None
    refused: str | None


class WorstComparison(Result):
    """One of the mated comparisons of lowest or non-mated ones of highest score; names, never pictures."""

    protocol: Kind
    figure: str
    comparator: str
    mated: bool
    probe: str
    probe_subject: str
    reference: str
    reference_subject: str
    score: float


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


class FailureToEnrol(Result):
    """Subjects of the references of a closed set none of whose captures gave a template."""

    attempted: Count
    failed: Count
    rate: Rate
    interval: Interval


class Metrics(Result):
    """The whole of metrics.json. `classification` is empty unless something was trained on a closed set."""

    schema_version: Literal[2] = 2
    setting: Setting
    protocols: dict[Kind, Protocol]
    outcomes: list[Outcome] = Field(min_length=1)
    left_out: list[LeftOut]
    subsets: list[SubsetVerdict]
    discards: list[DiscardCurve]
    differentials: list[Differential]
    worst: list[WorstComparison]
    classification: dict[str, Classification]
    failure_to_acquire: dict[str, FailureToAcquire]
    failure_to_enrol: dict[str, FailureToEnrol]

    def headline(self, protocol: Kind) -> list[Outcome]:
        """Select what inference would do: each figure by its chosen comparator, or by the chosen rule."""
        return [
            outcome
            for outcome in self.outcomes
            if outcome.protocol == protocol and outcome.comparator == self.comparator_of(outcome.modalities)
        ]

    def comparator_of(self, modalities: list[str]) -> str:
        """Name the comparator or the fusion rule that inference uses for a set of modalities."""
        return self.setting.chosen[modalities[0]] if len(modalities) == 1 else self.setting.fusion
