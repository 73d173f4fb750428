"""The typed parameters of inference. Their values are in conf/base/parameters_inference.yml."""

from pydantic import BaseModel, ConfigDict, Field

from selfsame.learning.device import Device


class InferenceParameters(BaseModel):
    """How new captures are embedded, and how much of the answer is shown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: int = Field(gt=0)  # captures a step
    device: Device  # auto: CUDA where there is some
    candidates: int = Field(gt=0)  # identities listed for each presentation, best first
