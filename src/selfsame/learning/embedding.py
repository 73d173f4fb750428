"""Embeddings of captures: what evaluation and inference compare."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from selfsame.errors import MismatchError
from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.augmentation import to_float
from selfsame.learning.checkpoint import Checkpoint, require_match
from selfsame.learning.recogniser import Recogniser, restore
from selfsame.learning.rows import digest_data

KEPT_COLUMNS = [
    "capture_id", "impression", "subject_id", "modality", "instance", "capture_index", "role", "split",
]  # fmt: skip


def embed_captures(
    checkpoint: Checkpoint,
    modality: str,
    arrays: ShardedArrays,
    index: pd.DataFrame,
    *,
    batch_size: int,
    device: str,
) -> pd.DataFrame:
    """Embed every normalised capture of a modality; failed ones are left out.

    Args:
        checkpoint: the trained recogniser.
        modality: which encoder to use.
        arrays: the pixels of the modality.
        index: its index; columns that it lacks (a role, a split) are lacking in the result.
        batch_size: captures a pass; the result does not depend on it beyond the last bits.
        device: `cpu`, `cuda` or `auto`.

    Returns:
        One row an "ok" row of the index, in its order: its keys and `embedding` (d,) float32 of unit length.

    Raises:
        MismatchError: the checkpoint does not know the modality, or was trained on another size.
    """
    chosen = index[index["status"] == "ok"].reset_index(drop=True)
    rows = arrays.rows(chosen["shard"].tolist(), chosen["row"].to_numpy())
    check_size(checkpoint, modality, arrays)
    embeddings = encode_rows(
        restore(checkpoint), modality, arrays, rows, batch_size=batch_size, device=device
    )
    kept = chosen[[column for column in KEPT_COLUMNS if column in chosen.columns]]
    return kept.assign(embedding=list(embeddings))


def embed_all(
    checkpoint: Checkpoint,
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    *,
    batch_size: int,
    device: str,
) -> pd.DataFrame:
    """Embed the captures that a checkpoint was trained and is to be tested on.

    Args:
        checkpoint: the trained recogniser.
        arrays: the pixels of each modality.
        indexes: its index, with the splits.
        batch_size: captures a pass.
        device: `cpu`, `cuda` or `auto`.

    Returns:
        The rows of `embed_captures` of all modalities, and the `model_version` that made them.

    Raises:
        MismatchError: captures or splits are not those that the checkpoint was trained with: someone whom it
            was trained on might pass for a stranger.
    """
    for modality, pixels in arrays.items():
        check_size(checkpoint, modality, pixels)
    require_match(checkpoint, data_digest=digest_data(indexes, arrays))
    tables = [
        embed_captures(checkpoint, modality, arrays[modality], index, batch_size=batch_size, device=device)
        for modality, index in indexes.items()
    ]
    return pd.concat(tables, ignore_index=True).assign(model_version=checkpoint.version)


def check_size(checkpoint: Checkpoint, modality: str, arrays: ShardedArrays) -> None:
    """Refuse arrays of another size than the modality's encoder was trained on."""
    if modality not in checkpoint.design.encoder_of:
        raise MismatchError(
            f"Expected one of the checkpoint's modalities ({', '.join(checkpoint.modalities)}), but got "
            f"{modality}: "
            "choose the checkpoint of this workload, or run the training pipeline again"
        )
    design = checkpoint.design.encoders[checkpoint.design.encoder_of[modality]]
    if arrays.shape[2:] != (design.height, design.width):
        raise MismatchError(
            f"Expected {modality} arrays of {design.height} x {design.width} pixels, as the checkpoint was "
            "trained "
            f"on, but got {arrays.shape[2]} x {arrays.shape[3]}: run preprocessing and training with the "
            "same size"
        )


def encode_rows(
    recogniser: Recogniser,
    modality: str,
    arrays: ShardedArrays,
    rows: NDArray[np.int64],
    *,
    batch_size: int,
    device: str,
) -> NDArray[np.float32]:
    """Embed rows of arrays.

    Args:
        recogniser: the trained recogniser.
        modality: which encoder to use.
        arrays: the pixels of the modality.
        rows: (n,) global rows.
        batch_size: captures a pass.
        device: `cpu`, `cuda` or `auto`.

    Returns:
        (n, d) float32 of unit length.
    """
    place = torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")
    recogniser.to(place).eval()
    parts = [
        np.empty((0, recogniser.design.encoders[recogniser.design.encoder_of[modality]].embedding_size), "f4")
    ]
    with torch.inference_mode():
        for start in range(0, len(rows), batch_size):
            pixels = torch.from_numpy(arrays.gather(rows[start : start + batch_size])).to(place)
            parts.append(recogniser.encode(modality, to_float(pixels)).cpu().numpy())
    return np.concatenate(parts)
