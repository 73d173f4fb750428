"""Embeddings of people by networks that never saw them: one is trained for every fold of the protocols."""

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from selfsame.errors import MismatchError
from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.embedding import KEPT_COLUMNS, embed_all
from selfsame.learning.fitting import fit, pack_checkpoint
from selfsame.learning.regimen import EncoderSettings, Regimen
from selfsame.learning.task import assemble_task
from selfsame.matching.protocol import ENROLLED, protocol_kind
from selfsame.matching.templates import name_captures
from selfsame.sources.kinds import PROTOCOLS
from selfsame.sources.protocols import list_folds, view_fold

logger = logging.getLogger(__name__)

FOLD_COLUMNS = ["protocol", "fold", *KEPT_COLUMNS, "embedding", "weight", "model_version"]


def embed_folds(
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    assignments: pd.DataFrame,
    *,
    encoder_of: Mapping[str, str],
    encoders: Mapping[str, EncoderSettings],
    regimen: Regimen,
    seed: int,
    workspace: Path,
) -> pd.DataFrame:
    """Train a network for every fold but the one that the indexes show, and embed what the fold compares.

    A run that was interrupted goes on where it stopped: finished folds are reused.

    Args:
        arrays: the pixels of each modality, in the order of the fusion.
        indexes: the index of each modality, as the deployed network was trained with.
        assignments: role and split of every capture under every protocol and fold.
        encoder_of: the encoder that each modality uses.
        encoders: the settings of each encoder.
        regimen: the course of each training.
        seed: of all randomness.
        workspace: a folder for the state of each training.

    Returns:
        One row a capture that a fold tests or enrols, with FOLD_COLUMNS; `weight` is that of its modality in
        the fold's fusion.
    """
    deployed = (protocol_kind(indexes.values()), 0)
    folds = [(protocol, fold) for protocol in PROTOCOLS for fold in list_folds(assignments, protocol)]
    tables = []
    for protocol, fold in folds:
        views = {
            modality: view_fold(index, assignments, protocol, fold) for modality, index in indexes.items()
        }
        if (protocol, fold) == deployed or not _trains(views):
            continue
        logger.info("training for %s, fold %d", protocol, fold)
        task = assemble_task(
            arrays, views, encoder_of=encoder_of, encoders=encoders, regimen=regimen, seed=seed
        )
        state = fit(task, regimen, workspace / f"{protocol}_{fold}")
        checkpoint = pack_checkpoint(state, task, best=True)
        table = embed_all(checkpoint, arrays, views, batch_size=regimen.batch_size, device=regimen.device)
        weights = table["modality"].map(dict(checkpoint.fusion_weights))
        made = table.assign(protocol=protocol, fold=np.int32(fold), weight=weights)
        tables.append(made[_is_compared(made, protocol)])
    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in FOLD_COLUMNS})
    return pd.concat(tables, ignore_index=True)[FOLD_COLUMNS] if tables else empty


def require_same_folds(
    embeddings: pd.DataFrame, indexes: Mapping[str, pd.DataFrame], assignments: pd.DataFrame
) -> None:
    """Refuse embeddings of folds that were drawn otherwise: whom they lack would pass for not acquired.

    Args:
        embeddings: from `embed_folds`.
        indexes: the index of each modality that is compared.
        assignments: role and split of every capture under every protocol and fold, as they are compared.

    Raises:
        MismatchError: a fold compares other captures than those that were embedded for it.
    """
    folds = embeddings[["protocol", "fold"]].drop_duplicates().itertuples(index=False, name=None)
    for protocol, fold in folds:
        rows = embeddings[(embeddings["protocol"] == protocol) & (embeddings["fold"] == fold)]
        views = [view_fold(index, assignments, protocol, fold) for index in indexes.values()]
        compared = [view[_is_compared(view, protocol) & (view["status"] == "ok")] for view in views]
        names = [set(name_captures(table)) for table in compared]
        if set().union(*names) != set(name_captures(rows)):
            raise MismatchError(
                f"expected embeddings of the captures that {protocol} fold {fold} compares, got those of "
                "others (another seed, other folds or captures): run training again"
            )


def _is_compared(rows: pd.DataFrame, protocol: str) -> "pd.Series[bool]":
    """Tell which captures a fold compares: those of the test, and those enrolled that it does not test."""
    enrolled = rows["role"].isin(ENROLLED) & (protocol != "subject_disjoint")
    return (rows["split"] == "test") | enrolled


def _trains(views: Mapping[str, pd.DataFrame]) -> bool:
    return any((view["split"] == "train").any() for view in views.values())
