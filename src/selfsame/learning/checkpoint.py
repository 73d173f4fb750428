"""A trained recogniser at rest: its weights and everything needed to refuse a mismatch. Free of torch."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

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
        captures_digest: sha256 of who the captures show and of their pixels, see `digest_captures`.
        splits_digest: sha256 of the split of each capture, see `digest_splits`.
        recipes: for each modality the digest of the settings and the version of its captures' normalisation.
        parameters_digest: sha256 of the training parameters.
        code_version: version of the package and digest of the code that learns.
        seed: the seed of all randomness.
    """

    captures_digest: str
    splits_digest: str
    recipes: Mapping[str, str]
    parameters_digest: str
    code_version: str
    seed: int

    @property
    def digest(self) -> str:
        """The sha256 of all of these, 64 hexadecimal digits."""
        return hashlib.sha256(json.dumps(vars(self), sort_keys=True).encode()).hexdigest()


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
        """A short name of the model: the digest of what it is and of what made it, 12 hexadecimal digits.

        The weights are digested themselves, because the same inputs may give others on another machine: equal
        names mean equal models.
        """
        known = [asdict(self.design), asdict(self.labels), dict(self.fusion_weights), self.epoch]
        whole = json.dumps([self.origin.digest, _digest_weights(self.weights), *known])
        return hashlib.sha256(whole.encode()).hexdigest()[:12]


def require_same_data(checkpoint: Checkpoint, *, captures_digest: str, splits_digest: str) -> None:
    """Refuse a checkpoint that was trained on other data than it is about to be measured on.

    Args:
        checkpoint: the checkpoint that is about to be used.
        captures_digest: of the captures and their pixels.
        splits_digest: of their splits.

    Raises:
        MismatchError: says whether the captures or the splits differ.
    """
    if captures_digest != checkpoint.origin.captures_digest:
        raise MismatchError(
            f"expected the captures and pixels that model {checkpoint.version} was trained with, but the "
            "captures or their pixels differ: choose its captures, or run the training pipeline again"
        )
    if splits_digest != checkpoint.origin.splits_digest:
        raise MismatchError(
            f"expected the splits that model {checkpoint.version} was trained with, but the splits differ "
            "(another protocol or seed): restore them and run data_engineering and preprocessing, or run the "
            "training pipeline again"
        )


def _digest_weights(weights: Mapping[str, NDArray[np.generic]]) -> str:
    """Digest tensors by name: their types, shapes and bytes. 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name, array in sorted(weights.items()):
        digest.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def require_same_model(checkpoint: Checkpoint, what: str, versions: Iterable[str]) -> None:
    """Refuse embeddings that another model made: their scores would mean nothing.

    Args:
        checkpoint: the model at hand.
        what: names what was made.
        versions: of the models that made it.

    Raises:
        MismatchError: names what is of another model.
    """
    others = set(versions) - {checkpoint.version}
    if others:
        raise MismatchError(
            f"expected {what} of model {checkpoint.version}, got those of {', '.join(sorted(others))}: "
            "run evaluation again with this checkpoint"
        )
