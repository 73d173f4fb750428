"""A trained recogniser at rest: its weights and everything needed to refuse a mismatch. Free of torch."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.encoders.design import EncoderDesign
from selfsame.errors import MismatchError


@dataclass(frozen=True)
class Design:
    """The architecture of a recogniser.

    Attributes:
        encoder_of: the encoder that each modality uses; the order of the modalities is that of the fusion.
        encoders: the design of each encoder.
    """

    encoder_of: Mapping[str, str]
    encoders: Mapping[str, EncoderDesign]

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities, in the order of the fusion."""
        return tuple(self.encoder_of)


@dataclass(frozen=True)
class LabelMap:
    """What the rows of the class prototypes and the columns of the fused scores stand for.

    Attributes:
        subjects: training subjects, sorted: the columns of the fused scores.
        classes: for each encoder its classes, sorted (subject, instance): the rows of its prototypes.
    """

    subjects: tuple[str, ...]
    classes: Mapping[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True)
class Origin:
    """What a training run was made from.

    Attributes:
        data_digest: sha256 of the rows and shard names that were trained on.
        parameters_digest: sha256 of the training parameters.
        code_version: version of the package and digest of the code that learns.
        seed: the seed of all randomness.
    """

    data_digest: str
    parameters_digest: str
    code_version: str
    seed: int


@dataclass(frozen=True)
class Checkpoint:
    """A trained recogniser.

    Attributes:
        design: its architecture.
        labels: its training classes.
        origin: data, parameters, code and seed that made it.
        fusion_weights: the learnt weight (> 0, they sum to 1) of each modality.
        epoch: the epoch (from 1) that it is the state after.
        metrics: figures of that epoch by name; None where there is none.
        weights: the tensors of the recogniser by name; `prototypes.<encoder>` (classes, embedding_size).
    """

    design: Design
    labels: LabelMap
    origin: Origin
    fusion_weights: Mapping[str, float]
    epoch: int
    metrics: Mapping[str, float | None]
    weights: Mapping[str, NDArray[np.generic]]

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities, in the order of the fusion."""
        return self.design.modalities

    @property
    def version(self) -> str:
        """A short name of the model: the digest of what made it, 12 hexadecimal digits.

        Training is a function of its data, parameters, code, seed and length, so equal names mean equal
        models.
        """
        made_from = json.dumps([*vars(self.origin).values(), self.epoch])
        return hashlib.sha256(made_from.encode()).hexdigest()[:12]


def require_match(
    checkpoint: Checkpoint, *, design: Design | None = None, data_digest: str | None = None
) -> None:
    """Refuse a checkpoint that belongs to another architecture or to other data.

    Args:
        checkpoint: the checkpoint that is about to be used.
        design: the architecture that is expected, if any.
        data_digest: the digest of the data that it must have been trained on, if any.

    Raises:
        MismatchError: names the first field that differs, what was expected and what the checkpoint holds.
    """
    expected = {**_flatten(design if design else checkpoint.design)}
    found = _flatten(checkpoint.design)
    if data_digest is not None:
        expected["data_digest"], found["data_digest"] = data_digest, checkpoint.origin.data_digest
    for field in sorted(expected.keys() | found.keys()):
        if expected.get(field) != found.get(field):
            raise MismatchError(
                f"Expected a checkpoint with {field} = {expected.get(field, 'absent')}, but it has "
                f"{found.get(field, 'absent')}: choose the matching checkpoint, or run the training "
                "pipeline again"
            )


def _flatten(design: Design) -> dict[str, str | int | float]:
    fields: dict[str, str | int | float] = {
        f"encoder_of.{modality}": encoder for modality, encoder in design.encoder_of.items()
    }
    for name, encoder in design.encoders.items():
        fields |= {f"encoders.{name}.{field}": value for field, value in vars(encoder).items()}
    return fields
