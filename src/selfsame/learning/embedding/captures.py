"""Embeddings of captures: what evaluation and inference compare."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from selfsame.errors import DamagedError, MismatchError
from selfsame.learning.checkpoint import Checkpoint, require_same_data
from selfsame.learning.device import Device, choose_device
from selfsame.learning.embedding.parts import EmbeddingParts, name_part
from selfsame.learning.loading.batches import BatchLoader, PlanStep
from selfsame.learning.recogniser import Recogniser, restore
from selfsame.learning.training.augmentation import to_float
from selfsame.learning.training.rows import digest_captures, digest_splits
from selfsame.learning.training.task import describe_code
from selfsame.shards.arrays import ShardedArrays
from selfsame.shards.checksums import checksum_pixels

logger = logging.getLogger(__name__)

KEPT_COLUMNS = [
    "capture_id", "impression", "subject_id", "modality", "instance", "capture_index", "role", "split",
]  # fmt: skip

LARGEST_DEVIATION = 1e-3
"""Of an embedding's length from 1; float32 rounds by less, NaN deviates by more."""

BATCHES_AHEAD = 2
"""Batches that a thread gathers while one is encoded: encoding takes tens of times as long as gathering."""


@dataclass(frozen=True)
class Pass:
    """How captures are embedded; all of it may change the last bits.

    Attributes:
        model_version: of the checkpoint.
        batch_size: captures a pass at most.
        place: `cpu` or `cuda`.
    """

    model_version: str
    batch_size: int
    place: str

    def name(self, modality: str, pixels: str, rows: NDArray[np.int64]) -> str:
        """Name the embeddings of (n,) rows of a shard, of which `pixels` is the digest."""
        return name_part(*self._stamp, modality, pixels, rows.tolist())

    def group(self, sizes: Sequence[int]) -> list[list[int]]:
        """Tell which shards, of so many rows each, are encoded together.

        On a CPU each is encoded alone, so that no bit of its embeddings depends on what else is missing. A
        GPU, of which no bits are promised, gets as many as fill a batch.

        >>> Pass("m", 8, "cpu").group([5, 3, 2]), Pass("m", 8, "cuda").group([5, 3, 2])
        ([[0], [1], [2]], [[0, 1], [2]])
        """
        groups: list[list[int]] = []
        held = self.batch_size
        for shard, size in enumerate(sizes):
            if self.place == "cpu" or held + size > self.batch_size:
                groups.append([])
                held = 0
            groups[-1].append(shard)
            held += size
        return groups

    @cached_property
    def _stamp(self) -> tuple[str | int, ...]:
        threads = torch.get_num_threads() if self.place == "cpu" else 0
        return self.model_version, describe_code(), self.batch_size, self.place, threads


def embed_captures(
    checkpoint: Checkpoint,
    modality: str,
    arrays: ShardedArrays,
    index: pd.DataFrame,
    *,
    batch_size: int,
    device: Device,
    parts: EmbeddingParts | None = None,
) -> pd.DataFrame:
    """Embed every normalised capture of a modality; failed ones are left out.

    Args:
        checkpoint: the trained recogniser.
        modality: which encoder to use.
        arrays: the pixels of the modality.
        index: its index; columns that it lacks (a role, a split) are lacking in the result.
        batch_size: captures a pass; the result does not depend on it beyond the last bits.
        device: where to compute.
        parts: keeps the embeddings of every shard as soon as they are made, so that an interrupted run goes
            on; None keeps none.

    Returns:
        One row an "ok" row of the index, in its order: its keys and `embedding` (d,) float32 of unit length.

    Raises:
        MismatchError: the checkpoint does not know the modality, or was trained on captures that were
            normalised otherwise.
        DamagedError: the checkpoint's weights do not fit its design, or give no unit vectors.
        InputError: the parts cannot be written.
    """
    require_same_normalisation(checkpoint, modality, arrays)
    place = choose_device(device)
    how = Pass(checkpoint.version, batch_size, place)
    return _embed(restore(checkpoint).to(place), modality, arrays, index, how, parts)


def embed_all(
    checkpoint: Checkpoint,
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    *,
    batch_size: int,
    device: Device,
    parts: EmbeddingParts | None = None,
) -> pd.DataFrame:
    """Embed the captures that a checkpoint was trained and is to be tested on.

    Args:
        checkpoint: the trained recogniser.
        arrays: the pixels of each modality.
        indexes: its index, with the splits.
        batch_size: captures a pass.
        device: where to compute.
        parts: see `embed_captures`; of other captures and models none is left at the end.

    Returns:
        The rows of `embed_captures` of all modalities, and the `model_version` that made them.

    Raises:
        MismatchError: captures or splits are not those that the checkpoint was trained with: someone whom it
            was trained on might pass for a stranger.
        DamagedError: see `embed_captures`.
        InputError: see `embed_captures`.
    """
    for modality, pixels in arrays.items():
        require_same_normalisation(checkpoint, modality, pixels)
    require_same_data(
        checkpoint, captures_digest=digest_captures(indexes, arrays), splits_digest=digest_splits(indexes)
    )
    place = choose_device(device)
    recogniser, how = restore(checkpoint).to(place), Pass(checkpoint.version, batch_size, place)
    tables = [
        _embed(recogniser, modality, arrays[modality], index, how, parts)
        for modality, index in indexes.items()
    ]
    if parts is not None:
        parts.sweep()
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
            "on, got some of other settings or another version of the normalisation: run preprocessing and "
            "training again"
        )


def _embed(
    recogniser: Recogniser,
    modality: str,
    arrays: ShardedArrays,
    index: pd.DataFrame,
    how: Pass,
    parts: EmbeddingParts | None,
) -> pd.DataFrame:
    chosen = index[index["status"] == "ok"].reset_index(drop=True)
    size = recogniser.design.encoders[recogniser.design.encoder_of[modality]].embedding_size
    embeddings = np.empty((len(chosen), size), dtype=np.float32)
    missing = []
    shards = list(_list_shards(chosen, modality, arrays, how, named=parts is not None))
    for shard in shards:
        made = parts.read(shard.name, (len(shard.places), size)) if parts else None
        if made is None:
            missing.append(shard)
        else:
            embeddings[shard.places] = made
    if parts and shards:
        plural = "" if len(shards) == 1 else "s"
        logger.info("%s: %d shard%s, %d to embed", modality, len(shards), plural, len(missing))
    for shard, made in zip(missing, _encode(recogniser, modality, arrays, missing, how), strict=True):
        _require_unit_length(made, modality, chosen["capture_id"].iloc[shard.places])
        embeddings[shard.places] = made
        if parts is not None:
            parts.write(shard.name, made)
    kept = chosen[[column for column in KEPT_COLUMNS if column in chosen.columns]]
    return kept.assign(embedding=list(embeddings))


@dataclass(frozen=True)
class _ShardRows:
    """The rows of one shard that are to be embedded.

    Attributes:
        name: of the part that keeps their embeddings; empty where none does.
        places: (n,) their places in the index.
        rows: (n,) global rows, rising.
    """

    name: str
    places: NDArray[np.int64]
    rows: NDArray[np.int64]


def _list_shards(
    chosen: pd.DataFrame, modality: str, arrays: ShardedArrays, how: Pass, *, named: bool
) -> Iterator[_ShardRows]:
    """List what is to be embedded, shard by shard, in the order of their names."""
    rows = arrays.rows(chosen["shard"].tolist(), chosen["row"].to_numpy())
    local = chosen["row"].to_numpy(dtype=np.int64)
    codes, shards = pd.factorize(chosen["shard"], sort=True)
    order = np.lexsort((rows, codes))
    cuts = np.searchsorted(codes[order], np.arange(1, len(shards)))
    for shard, places in zip(shards, np.split(order, cuts), strict=False):  # none: one empty part
        name = ""
        if named:
            record = arrays.records.get(str(shard))
            pixels = record.xxh128 if record else checksum_pixels(arrays.gather(rows[places]))
            name = how.name(modality, pixels, local[places])
        yield _ShardRows(name, places, rows[places])


def _encode(
    recogniser: Recogniser, modality: str, arrays: ShardedArrays, shards: Sequence[_ShardRows], how: Pass
) -> Iterator[NDArray[np.float32]]:
    """Encode shard after shard, (n, d) float32 each, while a thread gathers the next batches."""
    groups = [[shards[i] for i in group] for group in how.group([len(shard.rows) for shard in shards])]
    together = [np.concatenate([shard.rows for shard in group]) for group in groups]
    cuts = [np.array_split(rows, -(-len(rows) // how.batch_size)) for rows in together]
    steps = [PlanStep(rows[:, None], np.zeros(len(rows), dtype=np.int64)) for cut in cuts for rows in cut]
    batches = iter(BatchLoader([arrays], steps, prefetch=BATCHES_AHEAD, pin=how.place == "cuda"))
    for group, cut in zip(groups, cuts, strict=True):
        made = []
        for _ in cut:
            with torch.inference_mode():
                pixels = next(batches).images[0].to(how.place, non_blocking=True)
                made.append(recogniser.encode(modality, to_float(pixels)).cpu().numpy())
        ends = np.cumsum([len(shard.rows) for shard in group])
        yield from np.split(np.concatenate(made), ends[:-1])


def _require_unit_length(embeddings: NDArray[np.float32], modality: str, captures: "pd.Series[str]") -> None:
    """Refuse embeddings, (n, d), whose length is not 1: the weights are damaged.

    Raises:
        DamagedError: says how many, and names the first.
    """
    lengths = np.sqrt(np.vecdot(embeddings, embeddings))
    astray = np.flatnonzero(~(np.abs(lengths - 1) < LARGEST_DEVIATION))
    if len(astray):
        raise DamagedError(
            f"expected embeddings of unit length, got {len(astray)} others of {len(captures)}, the first of "
            f"{modality} capture {captures.iloc[astray[0]]}: run the training pipeline again"
        )
