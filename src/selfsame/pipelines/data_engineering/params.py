"""The typed parameters of data engineering."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, RootModel, field_validator

from selfsame.parameters import PartialShare, Settings
from selfsame.protocols.names import Kind
from selfsame.protocols.splits import ListedReferences, SharedReferences, SplitRules
from selfsame.sources.layouts import OPTIONAL, REQUIRED, Layout, PathPattern
from selfsame.sources.limits import Limits


class Pattern(Settings):
    """One pattern of a layout; see docs/layouts.md."""

    pattern: str
    subject: str
    modality: str
    instance: str
    capture: str | None = None
    sex: str | None = None
    hand: str | None = None
    finger: str | None = None
    device: str | None = None
    session: str | None = None
    values: dict[str, dict[str, str]] = Field(default_factory=dict)

    def to_domain(self) -> PathPattern:
        """Make the pattern that the layout reads paths with."""
        fields = {name: getattr(self, name) for name in (*REQUIRED, *OPTIONAL)}
        templates = {name: template for name, template in fields.items() if template is not None}
        return PathPattern(self.pattern, templates, self.values)


class Layouts(RootModel[dict[str, tuple[Pattern, ...]]]):
    """The layouts by name, in the order in which they are tried; all workloads share them."""

    model_config = ConfigDict(frozen=True)

    def compile(self) -> list[Layout]:
        """Make the layouts, in their order."""
        return [
            Layout(name, [pattern.to_domain() for pattern in patterns])
            for name, patterns in self.root.items()
        ]


class ReferenceCaptures(Settings):
    """What the kinds of reference have in common: the same keys, checked alike, so that the kind switches."""

    indices: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=1)
    share: Annotated[float, Field(gt=0, lt=1)]

    @field_validator("indices")
    @classmethod
    def _refuse_repetition(cls, indices: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(indices)) < len(indices):
            raise ValueError(f"expected each capture index once, got {', '.join(map(str, indices))}")
        return indices


class ListedCaptures(ReferenceCaptures):
    """References are the captures with these indices; the share is not used."""

    kind: Literal["listed"]

    def to_domain(self) -> ListedReferences:
        """Make the domain's rule."""
        return ListedReferences(self.indices)


class ShareOfCaptures(ReferenceCaptures):
    """References are about this share of all captures, chosen by digest; the indices are not used."""

    kind: Literal["share"]

    def to_domain(self) -> SharedReferences:
        """Make the domain's rule."""
        return SharedReferences(self.share)


class Protocol(Settings):
    """How captures are split; which protocol the manifest shows is the kind, and every key is checked."""

    kind: Kind
    reference_captures: Annotated[ListedCaptures | ShareOfCaptures, Field(discriminator="kind")]
    validation_share: PartialShare  # of the captures that would be trained on
    folds: Annotated[int, Field(ge=1)]  # of subject_disjoint; 1: nobody is trained on, everybody tested
    unenrolled_share: Annotated[float, Field(gt=0, lt=1)]  # of open_set: of the subjects

    def to_rules(self) -> SplitRules:
        """Make the domain's rules, which all protocols share."""
        return SplitRules(
            self.reference_captures.to_domain(), self.validation_share, self.folds, self.unenrolled_share
        )


class DataEngineering(Settings):
    """What is read at most, how it is split, and with how many threads."""

    max_bytes: Annotated[int, Field(ge=1)]
    max_pixels: Annotated[int, Field(ge=1)]
    min_side_px: Annotated[int, Field(ge=1)]
    workers: Annotated[int, Field(ge=1)]  # threads
    protocol: Protocol

    def limits(self) -> Limits:
        """Make the limits of a file."""
        return Limits(self.max_bytes, self.max_pixels, self.min_side_px)
