"""The typed parameters of training."""

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from selfsame.learning.training.regimen import EncoderSettings, Regimen
from selfsame.parameters import Settings


class TrainingParameters(Regimen):
    """What is trained, beside the course of it; `selfsame.learning.training.regimen` explains the fields."""

    encoder_of: dict[str, str]  # modality: encoder; modalities that name the same one share it
    encoders: dict[str, EncoderSettings]  # by name

    @model_validator(mode="after")
    def _name_known_encoders(self) -> Self:
        unknown = sorted(set(self.encoder_of.values()) - set(self.encoders))
        if unknown:
            raise ValueError(
                f"expected encoder_of to name one of {', '.join(sorted(self.encoders))}, got {unknown[0]!r}"
            )
        return self


class CrossValidation(Settings):
    """Whether networks are trained for the other folds of the protocols, beside the deployed one."""

    enabled: bool
    workers: Annotated[int, Field(ge=-1)]  # folds trained at once, -1: as many as the cores can serve

    @field_validator("workers")
    @classmethod
    def _train_one_at_least(cls, workers: int) -> int:
        if not workers:
            raise ValueError("expected 1 worker or more, or -1 for as many as the cores can serve, got 0")
        return workers
