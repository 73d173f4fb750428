"""What a training run learns, put together from tables, arrays and settings."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import timm
import torch

from selfsame import __version__
from selfsame.code_digest import digest_code
from selfsame.encoders.design import EncoderDesign
from selfsame.encoders.pretrained import read_weights
from selfsame.errors import InputError
from selfsame.learning.checkpoint import Design, LabelMap, Origin
from selfsame.learning.training.regimen import Augmentation, EncoderSettings, Regimen
from selfsame.learning.training.rows import (
    LabelledRows,
    digest_captures,
    digest_splits,
    label_rows,
    map_labels,
)
from selfsame.shards.arrays import ShardedArrays

LEARNING_CODE = (
    "selfsame.encoders",
    "selfsame.fusion",
    *(
        f"selfsame.learning.{module}"
        for module in (
            "randomness", "recogniser",
            "distributed.processes", "distributed.shared_norms",
            "embedding.captures", "loading.batches", "loading.filling", "loading.gathering",
            "loading.prefetching", "loading.resident",
            "training.augmentation", "training.epochs", "training.fitting", "training.module",
            "training.objective", "training.plan", "training.regimen", "training.rows", "training.sampling",
            "training.state", "training.tally", "training.task",
        )
    ),
)  # fmt: skip
"""What decides weights and embeddings, and what the state of a training run looks like."""

SHOWN_DIGITS = 12

WITHOUT_EFFECT = {"checkpoints", "devices", "prefetch", "residence", "resident_share"}
"""Settings of a regimen that change nothing but last digits: a run may go on with others."""


@dataclass(frozen=True)
class Task:
    """What a run learns, and from what.

    Attributes:
        design: the architecture.
        labels: the training classes.
        arrays: the pixels of each modality.
        train: the labelled training rows of each modality.
        validation: the labelled validation rows of each modality, perhaps none.
        augmentations: how the captures of each modality are changed.
        pretrained: for each encoder that starts from stored weights, tensors of its backbone by name.
        frozen: the encoders whose backbone is not trained.
        origin: data, parameters, code and seed.
    """

    design: Design
    labels: LabelMap
    arrays: Mapping[str, ShardedArrays]
    train: Mapping[str, LabelledRows]
    validation: Mapping[str, LabelledRows]
    augmentations: Mapping[str, Augmentation]
    pretrained: Mapping[str, Mapping[str, torch.Tensor]]
    frozen: frozenset[str]
    origin: Origin


def assemble_task(
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    *,
    encoder_of: Mapping[str, str],
    encoders: Mapping[str, EncoderSettings],
    regimen: Regimen,
    seed: int,
) -> Task:
    """Put together what a run learns.

    Args:
        arrays: the pixels of each modality, in the order of the fusion.
        indexes: the index of each modality.
        encoder_of: the encoder that each modality uses.
        encoders: the settings of each encoder.
        regimen: the course of the run; it goes into the digest of the parameters.
        seed: of all randomness.

    Raises:
        InputError: a modality has no encoder, or nothing to learn from.
        DamagedError: pretrained weights are no safetensors file.
    """
    missing = sorted(set(arrays) - set(encoder_of))
    if missing:
        raise InputError(
            f"expected an encoder for {missing[0]}, got none in encoder_of: add it to the parameters"
        )
    chosen = {modality: encoder_of[modality] for modality in arrays}
    used = {name: encoders[name] for name in dict.fromkeys(chosen.values())}
    design = Design(chosen, {name: _design(name, one, chosen, arrays) for name, one in used.items()})
    labels = map_labels(indexes, chosen)
    return Task(
        design=design,
        labels=labels,
        arrays=arrays,
        train=_label(arrays, indexes, labels, chosen, "train"),
        validation=_label(arrays, indexes, labels, chosen, "validation"),
        augmentations={modality: used[encoder].augmentation for modality, encoder in chosen.items()},
        pretrained={name: read_weights(Path(one.pretrained)) for name, one in used.items() if one.pretrained},
        frozen=frozenset(name for name, one in used.items() if one.frozen),
        origin=Origin(
            captures_digest=digest_captures(indexes, arrays),
            splits_digest=digest_splits(indexes),
            recipes={modality: pixels.recipe for modality, pixels in arrays.items()},
            parameters_digest=_digest_parameters(chosen, used, regimen),
            code_version=describe_code(),
            seed=seed,
        ),
    )


def describe_code() -> str:
    """Name the versions of the package, torch and timm, and the digest of the modules that learn."""
    code = digest_code(LEARNING_CODE)[:SHOWN_DIGITS]
    return f"selfsame {__version__} ({code}), torch {torch.__version__}, timm {timm.__version__}"


def _label(
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    labels: LabelMap,
    encoder_of: Mapping[str, str],
    split: str,
) -> dict[str, LabelledRows]:
    """Label the captures of one split of every modality."""
    return {
        modality: label_rows(indexes[modality], arrays[modality], labels, encoder=encoder, split=split)
        for modality, encoder in encoder_of.items()
    }


def _design(
    name: str, settings: EncoderSettings, encoder_of: Mapping[str, str], arrays: Mapping[str, ShardedArrays]
) -> EncoderDesign:
    """Take the size of an encoder's input from the arrays that it encodes, which have to agree."""
    sizes = {modality: arrays[modality].shape[2:] for modality, own in encoder_of.items() if own == name}
    if len(set(sizes.values())) > 1:
        found = ", ".join(f"{modality} {height} x {width}" for modality, (height, width) in sizes.items())
        raise InputError(
            f"expected arrays of one size for the encoder {name!r}, got {found}: change preprocessing"
        )
    height, width = next(iter(sizes.values()))
    return EncoderDesign(
        name=settings.name,
        stage=settings.stage,
        channels=settings.channels,
        embedding_size=settings.embedding_size,
        dropout=settings.dropout,
        height=height,
        width=width,
    )


def _digest_parameters(
    encoder_of: Mapping[str, str], encoders: Mapping[str, EncoderSettings], regimen: Regimen
) -> str:
    """Digest the settings, and the contents of the files of pretrained weights. 64 hex digits."""
    settings = {
        "encoder_of": encoder_of,
        "encoders": {name: one.model_dump(mode="json") for name, one in encoders.items()},
        "regimen": regimen.model_dump(mode="json", exclude=WITHOUT_EFFECT),
        "pretrained": {
            name: hashlib.sha256(Path(one.pretrained).read_bytes()).hexdigest()
            for name, one in encoders.items()
            if one.pretrained
        },
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
