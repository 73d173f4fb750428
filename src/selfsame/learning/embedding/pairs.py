"""Scores of pairs of captures by the cosine of their learnt embeddings."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.device import Device
from selfsame.learning.embedding.captures import KEPT_COLUMNS, embed_captures
from selfsame.learning.embedding.parts import EmbeddingParts
from selfsame.matching.comparators import COSINE, compare_cosines
from selfsame.matching.pairs import PAIR_COLUMNS, compare_templates
from selfsame.matching.templates import tabulate_templates
from selfsame.protocols.names import Kind
from selfsame.shards.arrays import ShardedArrays

LEARNT_COLUMNS = [*PAIR_COLUMNS, "weight"]


def compare_embeddings(
    checkpoint: Checkpoint, embeddings: pd.DataFrame, fold_embeddings: pd.DataFrame, protocol: Kind
) -> pd.DataFrame:
    """Compare every pair of captures of the same instance, once a fold that a network was trained for.

    Args:
        checkpoint: the deployed network.
        embeddings: by the deployed network.
        fold_embeddings: by the networks of the other folds, see `embed_folds`.
        protocol: under which the deployed network was trained: its scores serve fold 0.

    Returns:
        One row a pair, with LEARNT_COLUMNS; `weight` is that of the modality in the network's fusion.
    """
    deployed = embeddings.assign(
        protocol=protocol,
        fold=np.int32(0),
        weight=embeddings["modality"].map(dict(checkpoint.fusion_weights)),
    )
    tables = list(_compare(deployed)) + list(_compare(fold_embeddings))
    return pd.concat(tables, ignore_index=True)[LEARNT_COLUMNS]


def embed_unknown(
    checkpoint: Checkpoint,
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    *,
    batch_size: int,
    device: Device,
    parts: EmbeddingParts | None = None,
) -> pd.DataFrame:
    """Embed captures that the network was neither trained nor tested on, as templates.

    Args:
        checkpoint: the deployed network.
        arrays: the pixels of each modality; one that the network does not know is left out.
        indexes: the index of each modality.
        batch_size: captures a pass.
        device: where to compute.
        parts: see `embed_captures`; of other captures and models none is left at the end.

    Returns:
        The table of their templates, see `tabulate_embeddings`; empty where the network knows no modality.
    """
    tables = [
        embed_captures(
            checkpoint,
            modality,
            arrays[modality],
            index,
            batch_size=batch_size,
            device=device,
            parts=parts,
        )
        for modality, index in indexes.items()
        if modality in checkpoint.modalities
    ]
    if parts is not None:
        parts.sweep()
    nothing = pd.DataFrame({name: pd.Series(dtype="object") for name in (*KEPT_COLUMNS, "embedding")})
    embeddings = pd.concat(tables, ignore_index=True) if tables else nothing
    return tabulate_embeddings(embeddings.assign(model_version=checkpoint.version))


def tabulate_embeddings(embeddings: pd.DataFrame) -> pd.DataFrame:
    """Make templates of embeddings by one network: see `tabulate_templates`."""
    vectors = np.array(embeddings["embedding"].to_list(), dtype=np.float32)
    version = embeddings["model_version"].iloc[0] if len(embeddings) else ""
    return tabulate_templates(embeddings, vectors, comparator=COSINE, version=str(version), settings="{}")


def _compare(embeddings: pd.DataFrame) -> Iterator[pd.DataFrame]:
    for (protocol, fold, _), rows in embeddings.groupby(["protocol", "fold", "modality"], sort=False):
        templates = tabulate_embeddings(rows).assign(protocol=str(protocol), fold=np.int32(str(fold)))
        pairs = compare_templates(templates, compare_cosines, workers=1)
        yield pairs.assign(weight=float(rows["weight"].iloc[0]))
