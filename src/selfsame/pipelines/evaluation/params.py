"""The typed parameters of the evaluation. Their values are in conf/base/parameters_evaluation.yml."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from selfsame.learning.device import Device

OpenRate = Annotated[float, Field(gt=0.0, lt=1.0)]


class EvaluationParams(BaseModel):
    """How embeddings are computed, and what is measured on them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(gt=0)  # captures a step
    device: Device  # auto: CUDA where there is some
    fmrs: tuple[OpenRate, ...] = Field(min_length=1)  # false match rates at which FNMR is stated
    operating_fmr: OpenRate  # false match rate of the thresholds that inference uses
    ranks_shown: int = Field(ge=5)  # ranks of the cumulative match characteristic
    resamples: int = Field(ge=100)  # resamples of the subjects behind each interval
