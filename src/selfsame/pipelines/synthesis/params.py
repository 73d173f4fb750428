"""Typed parameters of the synthetic sample; their values are in parameters_synthesis.yml."""

from typing import Self

from pydantic import NonNegativeInt, PositiveInt, model_validator

from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.parameters import Settings
from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.face_model import FaceModel
from selfsame.sources.synthetic.fingerprint_model import FingerprintModel
from selfsame.sources.synthetic.instances import Finger


class PresentationParameters(Settings):
    """What inference is shown: both eyes and one finger a presentation, or one face."""

    known_subjects: NonNegativeInt  # subjects of the sample who come back
    unknown_subjects: NonNegativeInt  # subjects who are not in the sample
    per_subject: PositiveInt  # presentations of each

    def require_known(self, subjects: int) -> None:
        """Check that no more come back than there are."""
        if self.known_subjects > subjects:
            raise ValueError(
                f"expected presentations.known_subjects of at most subjects ({subjects}),"
                f" got {self.known_subjects}"
            )

    def number_subjects(self, subjects: int) -> list[int]:
        """Number who is shown: people of a sample of so many who come back, then strangers."""
        strangers = range(subjects + 1, subjects + 1 + self.unknown_subjects)
        return [*range(1, self.known_subjects + 1), *strangers]


class SynthesisParameters(Settings):
    """How many people are made up, how often each is captured, and how much captures vary."""

    subjects: PositiveInt
    captures_per_eye: PositiveInt
    captures_per_finger: PositiveInt
    fingers: tuple[Finger, ...]  # of every subject
    presentations: PresentationParameters
    eye: EyeModel
    fingerprint: FingerprintModel
    impression: DistortionModel

    @model_validator(mode="after")
    def _check_numbers(self) -> Self:
        if len(set(self.fingers)) < len(self.fingers):
            raise ValueError(f"expected each finger once in fingers, got {', '.join(self.fingers)}")
        self.presentations.require_known(self.subjects)
        return self


class FaceSynthesisParameters(Settings):
    """How many faces are made up, how often each is captured, and how much captures vary."""

    subjects: PositiveInt
    captures_per_face: PositiveInt
    presentations: PresentationParameters
    face: FaceModel

    @model_validator(mode="after")
    def _check_numbers(self) -> Self:
        self.presentations.require_known(self.subjects)
        return self
