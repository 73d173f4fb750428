"""What may be set about fusion and calibration. Light: the parameters of pipelines are read with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from selfsame.errors import InputError
from selfsame.parameters import Settings

Rule = Literal["sum", "likelihood_ratio", "logistic", "quality"]
NormalisationKind = Literal["z", "tanh", "min_max"]
CalibrationKind = Literal["logistic", "pav"]


class FusionSettings(Settings):
    """What may be tuned of normalisation, calibration and fusion."""

    normalisation: NormalisationKind  # of the scores that rule sum adds
    weights: Literal["equal", "d_prime"]  # of rule sum
    calibration: CalibrationKind  # to log-likelihood ratios, for all other rules
    prior: float = Field(gt=0, lt=1)  # probability of a mated comparison where calibration matters most
    spread: float = Field(gt=0)  # nats; s.d. of ln(fitted slope / reference slope): 1 is a factor of 2.7


@dataclass(frozen=True)
class Fusing:
    """How scores are fused and calibrated.

    Attributes:
        chosen: of each modality the comparator whose scores the rules fuse.
        rules: the fusion rules.
        groups: into how many groups subjects fall for the cross-fitting.
        seed: of the groups.
        settings: of the fits.
    """

    chosen: Mapping[str, str]
    rules: Sequence[Rule]
    groups: int
    seed: int
    settings: FusionSettings

    def require_chosen(self, modalities: Iterable[str]) -> None:
        """Refuse modalities for which no comparator is chosen.

        Raises:
            InputError: names them.
        """
        lacking = [modality for modality in modalities if modality not in self.chosen]
        if lacking:
            raise InputError(
                f"expected a comparator of {', '.join(lacking)} to be chosen, got those of "
                f"{', '.join(self.chosen) or 'none'}: add it to evaluation.fusion.chosen"
            )
