"""The typed parameters of the evaluation. Their values are in conf/base/parameters_evaluation.yml."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from selfsame.learning.device import Device
from selfsame.matching.score_fusion.settings import Fusing, FusionSettings, Rule
from selfsame.parameters import Settings
from selfsame.protocols.names import Kind

OpenRate = Annotated[float, Field(gt=0.0, lt=1.0)]


class FusionParams(Settings):
    """How the scores of several modalities become one, and scores become log-likelihood ratios."""

    rule: Literal["sum", "likelihood_ratio", "logistic"]  # that inference uses
    rules: tuple[Rule, ...] = Field(min_length=1)  # that are evaluated beside it
    groups: int = Field(ge=3)  # of subjects, for the cross-fitting
    chosen: dict[str, str]  # of each modality the comparator that is fused, and that inference uses
    quality: dict[str, str]  # of each modality the measure in 0..1 that weighs it in the rule `quality`
    settings: FusionSettings

    @model_validator(mode="after")
    def _evaluate_what_is_used(self) -> Self:
        if self.rule not in self.rules:
            raise ValueError(f"expected rules to hold {self.rule}, the rule that inference uses")
        return self

    def to_domain(self, seed: int) -> Fusing:
        """Make the domain's form of it."""
        return Fusing(self.chosen, self.rules, self.groups, seed, self.settings)


class DetailParams(Settings):
    """What is looked at more closely, under one protocol."""

    protocol: Kind  # under which; the first that is evaluated where this one is not
    largest_discard: OpenRate  # share of the comparisons up to which the discard curves are shown and summed
    columns: tuple[str, ...]  # of the manifest, by whose values groups of people are compared
    smallest_group: int = Field(ge=2)  # subjects; of smaller groups no rate is told
    worst: int = Field(ge=0)  # mated and non-mated comparisons that are listed


class EvaluationParams(Settings):
    """How embeddings are computed, what is compared, and what is measured on it."""

    batch_size: int = Field(gt=0)  # captures a step
    device: Device  # auto: CUDA where there is some
    protocols: tuple[Kind, ...] = Field(min_length=1)  # that are evaluated
    fusion: FusionParams
    fmrs: tuple[OpenRate, ...] = Field(min_length=1)  # false match rates at which FNMR is stated
    fpirs: tuple[OpenRate, ...] = Field(min_length=1)  # false positive rates at which FNIR is stated
    operating_fmr: OpenRate  # false match rate of the thresholds that inference uses
    ranks_shown: int = Field(ge=5)  # ranks of the cumulative match characteristic
    resamples: int = Field(ge=100)  # resamples of the subjects behind each interval
    details: DetailParams
