"""Typed parameters of the estimation; their values are in parameters_estimation.yml."""

from typing import Self

from pydantic import Field, PositiveInt, model_validator

from selfsame.learning.estimators.settings import EstimatorSettings, Network
from selfsame.learning.estimators.trials import Candidate
from selfsame.parameters import Settings


class CaptureRange(Settings):
    """Which capture indices of each person take part."""

    first: PositiveInt
    last: PositiveInt

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.first > self.last:
            raise ValueError(f"expected captures.first of at most last ({self.last}), got {self.first}")
        return self


class Sweep(Settings):
    """Other numbers of components, on the first splits alone."""

    components: tuple[PositiveInt, ...]
    estimators: tuple[str, ...]  # names of estimators that have components
    splits: PositiveInt


class EstimationParameters(Settings):
    """What is tried, and on which splits."""

    captures: CaptureRange
    splits: PositiveInt
    training_captures: PositiveInt  # of each person
    estimators: dict[str, EstimatorSettings] = Field(min_length=1)  # by name
    sweep: Sweep

    @model_validator(mode="after")
    def _name_known_estimators(self) -> Self:
        swept = [name for name, one in self.estimators.items() if not isinstance(one, Network)]
        unknown = sorted(set(self.sweep.estimators) - set(swept))
        if unknown:
            raise ValueError(
                f"expected sweep.estimators to be of {', '.join(swept) or 'none'}, got {unknown[0]!r}"
            )
        return self

    def list_candidates(self) -> list[Candidate]:
        """List the estimators on all splits, then the further numbers of components."""
        listed = [Candidate(name, settings, self.splits) for name, settings in self.estimators.items()]
        few = min(self.sweep.splits, self.splits)
        for name in self.sweep.estimators:
            settings = self.estimators[name]
            for components in self.sweep.components:
                if components != getattr(settings, "components", None):
                    swept = settings.model_copy(update={"components": components})
                    listed.append(Candidate(name, swept, few))
        return listed
