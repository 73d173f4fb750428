"""The typed parameters of training."""

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from selfsame.learning.regimen import EncoderSettings, Regimen


class TrainingParameters(Regimen):
    """What is trained, beside the course of it; `selfsame.learning.regimen` explains the fields."""

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


class CrossValidation(BaseModel):
    """Whether networks are trained for the other folds of the protocols, beside the deployed one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool
