"""Which rows of the arrays training learns from, and what they are labelled."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.errors import InputError
from selfsame.learning.checkpoint import LabelMap
from selfsame.shards.arrays import ShardedArrays

FEWEST_SUBJECTS = 2
KEYS = ["capture_id", "impression"]
GATHERED_ROWS = 256


@dataclass(frozen=True)
class LabelledRows:
    """Captures of one modality with their labels.

    Attributes:
        rows: (n,) int64, global rows of the arrays.
        subjects: (n,) int64, positions in the label map's subjects.
        classes: (n,) int64, positions in the classes of the modality's encoder.
    """

    rows: NDArray[np.int64]
    subjects: NDArray[np.int64]
    classes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)


def map_labels(indexes: Mapping[str, pd.DataFrame], encoder_of: Mapping[str, str]) -> LabelMap:
    """Collect the training subjects and each encoder's classes: every (subject, instance) it is trained on.

    Args:
        indexes: the index of each modality.
        encoder_of: the encoder that each modality uses.

    Raises:
        InputError: a modality, or the whole, has too little to learn from.
    """
    subjects: set[str] = set()
    classes: dict[str, set[tuple[str, str]]] = {encoder: set() for encoder in encoder_of.values()}
    for modality, encoder in encoder_of.items():
        chosen = _choose(indexes[modality], "train")
        if chosen.empty:
            raise InputError(
                f"expected captures of {modality} with split 'train' and status 'ok', got none among the "
                f"{len(indexes[modality])} rows of its index: check the protocol, or leave the modality out "
                "of the workload"
            )
        subjects |= set(chosen["subject_id"])
        classes[encoder] |= set(zip(chosen["subject_id"], chosen["instance"], strict=True))
    if len(subjects) < FEWEST_SUBJECTS:
        raise InputError(f"expected 2 training subjects or more, got {len(subjects)}: add captures of others")
    return LabelMap(tuple(sorted(subjects)), {name: tuple(sorted(pairs)) for name, pairs in classes.items()})


def label_rows(
    index: pd.DataFrame, arrays: ShardedArrays, labels: LabelMap, *, encoder: str, split: str
) -> LabelledRows:
    """Label the captures of one split of one modality; those of unknown classes are left out.

    Args:
        index: the modality's index.
        arrays: its arrays.
        labels: the label map.
        encoder: the encoder that the modality uses.
        split: `train`, `validation` or `test`.
    """
    chosen = _choose(index, split)
    class_of = {pair: number for number, pair in enumerate(labels.classes[encoder])}
    subject_of = {subject: number for number, subject in enumerate(labels.subjects)}
    pairs = list(zip(chosen["subject_id"], chosen["instance"], strict=True))
    known = np.array([pair in class_of for pair in pairs], dtype=bool)
    chosen, pairs = chosen[known], [pair for pair in pairs if pair in class_of]
    return LabelledRows(
        rows=arrays.rows(chosen["shard"].tolist(), chosen["row"].to_numpy()),
        subjects=np.array([subject_of[subject] for subject, _ in pairs], dtype=np.int64),
        classes=np.array([class_of[pair] for pair in pairs], dtype=np.int64),
    )


def digest_captures(indexes: Mapping[str, pd.DataFrame], arrays: Mapping[str, ShardedArrays]) -> str:
    """Digest who the captures show and their pixels, in whatever shards and rows they lie. 64 hex digits."""
    digest = hashlib.sha256()
    for modality in sorted(indexes):
        index, pixels = indexes[modality].sort_values(KEYS, kind="stable"), arrays[modality]
        digest.update(f"{modality}\n{pixels.shape[1:]}\n".encode())
        digest.update(_write(index, [*KEYS, "subject_id", "instance", "status"]))
        rows = pixels.rows(index["shard"].tolist(), index["row"].to_numpy())
        for start in range(0, len(rows), GATHERED_ROWS):
            digest.update(pixels.gather(rows[start : start + GATHERED_ROWS]).data)
    return digest.hexdigest()


def digest_splits(indexes: Mapping[str, pd.DataFrame]) -> str:
    """Digest which split each capture belongs to. 64 hex digits."""
    digest = hashlib.sha256()
    for modality in sorted(indexes):
        digest.update(f"{modality}\n".encode())
        digest.update(_write(indexes[modality].sort_values(KEYS, kind="stable"), [*KEYS, "split"]))
    return digest.hexdigest()


def _write(index: pd.DataFrame, columns: Sequence[str]) -> bytes:
    return index[list(columns)].to_csv(index=False, lineterminator="\n").encode()


def _choose(index: pd.DataFrame, split: str) -> pd.DataFrame:
    """Take the normalised captures of a split in an order that does not depend on that of the index."""
    chosen = index[(index["split"] == split) & (index["status"] == "ok")]
    return chosen.sort_values(["subject_id", "instance", "capture_index", "impression"], kind="stable")
