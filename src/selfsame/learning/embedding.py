"""Embeddings of captures: what evaluation and inference compare."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from selfsame.errors import DamagedError, MismatchError
from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.augmentation import to_float
from selfsame.learning.checkpoint import Checkpoint, require_same_data
from selfsame.learning.device import Device, choose_device
from selfsame.learning.recogniser import Recogniser, restore
from selfsame.learning.rows import digest_captures, digest_splits

KEPT_COLUMNS = [
    "capture_id", "impression", "subject_id", "modality", "instance", "capture_index", "role", "split",
]  # fmt: skip

LARGEST_DEVIATION = 1e-3
"""Of an embedding's length from 1; float32 rounds by less, NaN deviates by more."""


def embed_captures(
    checkpoint: Checkpoint,
    modality: str,
    arrays: ShardedArrays,
    index: pd.DataFrame,
    *,
    batch_size: int,
    device: Device,
) -> pd.DataFrame:
    """Embed every normalised capture of a modality; failed ones are left out.

    Args:
        checkpoint: the trained recogniser.
        modality: which encoder to use.
        arrays: the pixels of the modality.
        index: its index; columns that it lacks (a role, a split) are lacking in the result.
        batch_size: captures a pass; the result does not depend on it beyond the last bits.
        device: where to compute.

    Returns:
        One row an "ok" row of the index, in its order: its keys and `embedding` (d,) float32 of unit length.

    Raises:
        MismatchError: the checkpoint does not know the modality, or was trained on captures that were
            normalised otherwise.
        DamagedError: the checkpoint's weights do not fit its design, or give no unit vectors.
    """
    require_same_normalisation(checkpoint, modality, arrays)
    place = choose_device(device)
    return _embed(restore(checkpoint).to(place), modality, arrays, index, batch_size=batch_size, place=place)


def embed_all(
    checkpoint: Checkpoint,
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    *,
    batch_size: int,
    device: Device,
) -> pd.DataFrame:
    """Embed the captures that a checkpoint was trained and is to be tested on.

    Args:
        checkpoint: the trained recogniser.
        arrays: the pixels of each modality.
        indexes: its index, with the splits.
        batch_size: captures a pass.
        device: where to compute.

    Returns:
        The rows of `embed_captures` of all modalities, and the `model_version` that made them.

    Raises:
        MismatchError: captures or splits are not those that the checkpoint was trained with: someone whom it
            was trained on might pass for a stranger.
        DamagedError: see `embed_captures`.
    """
    for modality, pixels in arrays.items():
        require_same_normalisation(checkpoint, modality, pixels)
    require_same_data(
        checkpoint, captures_digest=digest_captures(indexes, arrays), splits_digest=digest_splits(indexes)
    )
    place = choose_device(device)
    recogniser = restore(checkpoint).to(place)
    tables = [
        _embed(recogniser, modality, arrays[modality], index, batch_size=batch_size, place=place)
        for modality, index in indexes.items()
    ]
    return pd.concat(tables, ignore_index=True).assign(model_version=checkpoint.version)


def require_same_normalisation(checkpoint: Checkpoint, modality: str, arrays: ShardedArrays) -> None:
    """Refuse arrays that were normalised otherwise than those that the modality's encoder was trained on.

    Raises:
        MismatchError: names the modality and what differs.
    """
    if modality not in checkpoint.design.encoder_of:
        raise MismatchError(
            f"expected one of the checkpoint's modalities ({', '.join(checkpoint.modalities)}), got "
            f"{modality}: choose the checkpoint of this workload, or run the training pipeline again"
        )
    design = checkpoint.design.encoders[checkpoint.design.encoder_of[modality]]
    if arrays.shape[2:] != (design.height, design.width):
        raise MismatchError(
            f"expected {modality} arrays of {design.height} x {design.width} pixels, as the checkpoint was "
            f"trained on, got {arrays.shape[2]} x {arrays.shape[3]}: run preprocessing and training with the "
            "same size"
        )
    if arrays.recipe != checkpoint.origin.recipes.get(modality, ""):
        raise MismatchError(
            f"expected {modality} captures normalised as those that model {checkpoint.version} was trained "
            "on, got some normalised by other settings or code: run preprocessing and training again"
        )


def _embed(
    recogniser: Recogniser,
    modality: str,
    arrays: ShardedArrays,
    index: pd.DataFrame,
    *,
    batch_size: int,
    place: str,
) -> pd.DataFrame:
    chosen = index[index["status"] == "ok"].reset_index(drop=True)
    rows = arrays.rows(chosen["shard"].tolist(), chosen["row"].to_numpy())
    embeddings = _encode_rows(recogniser, modality, arrays, rows, batch_size=batch_size, place=place)
    astray = np.flatnonzero(~(np.abs(np.linalg.norm(embeddings, axis=1) - 1) < LARGEST_DEVIATION))
    if len(astray):
        raise DamagedError(
            f"expected embeddings of unit length, got {len(astray)} others of {len(chosen)}, the first of "
            f"{modality} capture {chosen['capture_id'][astray[0]]}: run the training pipeline again"
        )
    kept = chosen[[column for column in KEPT_COLUMNS if column in chosen.columns]]
    return kept.assign(embedding=list(embeddings))


def _encode_rows(
    recogniser: Recogniser,
    modality: str,
    arrays: ShardedArrays,
    rows: NDArray[np.int64],
    *,
    batch_size: int,
    place: str,
) -> NDArray[np.float32]:
    """Embed global rows (n,) of arrays: (n, d) float32."""
    parts = [
        np.empty((0, recogniser.design.encoders[recogniser.design.encoder_of[modality]].embedding_size), "f4")
    ]
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            pixels = torch.from_numpy(arrays.gather(rows[start : start + batch_size])).to(place)
            parts.append(recogniser.encode(modality, to_float(pixels)).cpu().numpy())
    return np.concatenate(parts)
