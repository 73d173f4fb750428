"""Embeddings of people by networks that never saw them: one is trained for every fold of the protocols."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import partial
from io import TextIOBase
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd

from selfsame.errors import MismatchError
from selfsame.learning.device import choose_device
from selfsame.learning.distributed.processes import Member, count_processes, find_member
from selfsame.learning.embedding.captures import KEPT_COLUMNS, embed_all
from selfsame.learning.embedding.parts import EmbeddingParts
from selfsame.learning.randomness import reproducible
from selfsame.learning.training.fitting import fit, pack_checkpoint
from selfsame.learning.training.regimen import EncoderSettings, Regimen
from selfsame.learning.training.task import assemble_task
from selfsame.matching.protocol import ENROLLED, protocol_kind
from selfsame.matching.templates import name_captures
from selfsame.parallel.backends import WorkerDiedError, open_processes
from selfsame.parallel.dispatching import dispatched
from selfsame.protocols.assignment import list_folds, view_fold
from selfsame.protocols.names import PROTOCOLS
from selfsame.shards.arrays import ShardedArrays

logger = logging.getLogger(__name__)

EVERY_CORE = -1
FOLD_COLUMNS = ["protocol", "fold", *KEPT_COLUMNS, "embedding", "weight", "model_version"]


@dataclass(frozen=True)
class Fold:
    """One fold of a protocol.

    Attributes:
        protocol: of which.
        number: of the fold, from 0.
        views: the index of each modality, with the roles and splits of this fold.
    """

    protocol: str
    number: int
    views: Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class FoldSettings:
    """How the network of any fold is trained, and where its state is kept; see `embed_folds`."""

    encoder_of: Mapping[str, str]
    encoders: Mapping[str, EncoderSettings]
    regimen: Regimen
    seed: int
    workspace: Path


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
    workers: int,
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
        workers: processes that train folds side by side; the result does not depend on it.

    Returns:
        One row a capture that a fold tests or enrols, with FOLD_COLUMNS; `weight` is that of its modality in
        the fold's fusion.

    Raises:
        WorkerDiedError: names the fold whose process ended.
        InputError: see `fit`.
    """
    settings = FoldSettings(encoder_of, encoders, regimen, seed, workspace)
    deployed = (protocol_kind(indexes.values()), 0)
    folds = []
    for protocol in PROTOCOLS:
        for fold in list_folds(assignments, protocol):
            views = {name: view_fold(index, assignments, protocol, fold) for name, index in indexes.items()}
            if (protocol, fold) != deployed and _trains(views):
                folds.append(Fold(protocol, fold, views))
    tables = list(_embed_each(arrays, folds, settings, min(workers, len(folds))))
    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in FOLD_COLUMNS})
    return pd.concat(tables, ignore_index=True)[FOLD_COLUMNS] if tables else empty


def count_workers(asked: int, regimen: Regimen) -> int:
    """Tell how many folds are trained at once: -1 asks for as many as the cores can serve, on a GPU one.

    Where several processes train one network together, the folds are trained one after the other.
    """
    from joblib import cpu_count

    if find_member() or count_processes(regimen.devices, choose_device(regimen.device)) > 1:
        return 1
    if asked != EVERY_CORE:
        return asked
    return max(1, cpu_count() // regimen.threads) if choose_device(regimen.device) == "cpu" else 1


def _embed_each(
    arrays: Mapping[str, ShardedArrays], folds: Sequence[Fold], settings: FoldSettings, workers: int
) -> Iterator[pd.DataFrame]:
    """Train and embed fold after fold, in this process or side by side in others; in their order."""
    if workers <= 1:
        for fold in folds:
            logger.info("training for %s, fold %d", fold.protocol, fold.number)
            yield embed_fold(arrays, fold, settings)
        return
    logger.info("training for %d folds, %d at a time", len(folds), workers)
    task = partial(_embed_quietly, arrays, settings)
    with open_processes(workers) as pool, dispatched(pool, workers, task, folds) as tables:
        for fold in folds:
            try:
                yield next(tables)
            except WorkerDiedError as error:
                raise WorkerDiedError(
                    f"expected a network for {fold.protocol}, fold {fold.number}, but the process that "
                    "trained it has died: run again, finished epochs are kept; where memory is short, lower "
                    "cross_validation.workers"
                ) from error
            logger.info("trained for %s, fold %d", fold.protocol, fold.number)


def embed_fold(arrays: Mapping[str, ShardedArrays], fold: Fold, settings: FoldSettings) -> pd.DataFrame:
    """Train the network of one fold, or reuse it, and embed what the fold compares: its FOLD_COLUMNS."""
    regimen, folder = settings.regimen, settings.workspace / f"{fold.protocol}_{fold.number}"
    task = assemble_task(
        arrays,
        fold.views,
        encoder_of=settings.encoder_of,
        encoders=settings.encoders,
        regimen=regimen,
        seed=settings.seed,
    )
    checkpoint = pack_checkpoint(fit(task, regimen, folder), task, best=True)
    device = choose_device(regimen.device)
    with reproducible(settings.seed, threads=regimen.threads, deterministic=device == "cpu"):
        table = embed_all(
            checkpoint,
            arrays,
            fold.views,
            batch_size=regimen.batch_size,
            device=device,
            parts=_keep_parts(folder),
        )
    weights = table["modality"].map(dict(checkpoint.fusion_weights))
    made = table.assign(protocol=fold.protocol, fold=np.int32(fold.number), weight=weights)
    return made[_is_compared(made, fold.protocol)]


def _keep_parts(folder: Path) -> EmbeddingParts | None:
    """Keep embeddings in the folder; of several processes that train together the first one does."""
    if not (find_member() or Member()).first:
        return None
    kept = folder / "embedded_shards"
    kept.mkdir(parents=True, exist_ok=True)
    return EmbeddingParts(kept)


def _embed_quietly(arrays: Mapping[str, ShardedArrays], settings: FoldSettings, fold: Fold) -> pd.DataFrame:
    """Embed a fold in a process of its own, without a progress bar that would write over those of others."""
    with redirect_stderr(_Plain(sys.stderr)):
        return embed_fold(arrays, fold, settings)


class _Plain(TextIOBase):
    """A stream that passes on what is written, but is no terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Pass it on."""
        return self._stream.write(text)


def require_same_folds(
    embeddings: pd.DataFrame, indexes: Mapping[str, pd.DataFrame], assignments: pd.DataFrame
) -> None:
    """Refuse embeddings of folds that were drawn otherwise: what they lack would count as not acquired.

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
