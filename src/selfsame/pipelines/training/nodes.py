"""The nodes of training. Torch and Lightning are imported when a node runs, not before."""

from pathlib import Path

import pandas as pd

from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.training.modalities import sort_by_modality
from selfsame.pipelines.training.params import CrossValidation, TrainingParameters
from selfsame.shards.arrays import ShardedArrays

Summary = dict[str, str | int | float | None]


def fit_recogniser(
    parameters: TrainingParameters,
    seed: int,
    workspace: Path,
    *arrays_and_indexes: ShardedArrays | pd.DataFrame,
) -> tuple[Checkpoint, Checkpoint, pd.DataFrame, Summary]:
    """Train a recogniser on the training rows of every modality.

    Args:
        parameters: what is trained, and how.
        seed: of all randomness.
        workspace: the folder for the state after each epoch and the TensorBoard logs.
        arrays_and_indexes: arrays and index of each modality in turn, in the order of the fusion.

    Returns:
        The best checkpoint, the last one, one row an epoch, and a summary.
    """
    from selfsame.learning.training.fitting import fit, pack_checkpoint
    from selfsame.learning.training.history import summarise_run, tabulate_history
    from selfsame.learning.training.task import assemble_task

    arrays, indexes = sort_by_modality(arrays_and_indexes)
    task = assemble_task(
        arrays,
        indexes,
        encoder_of=parameters.encoder_of,
        encoders=parameters.encoders,
        regimen=parameters,
        seed=seed,
    )
    state = fit(task, parameters, workspace)
    best = pack_checkpoint(state, task, best=True)
    last = pack_checkpoint(state, task, best=False)
    return best, last, tabulate_history(state.history), summarise_run(state, task, parameters)


def cross_validate(
    parameters: TrainingParameters,
    asked: CrossValidation,
    seed: int,
    workspace: Path,
    assignments: pd.DataFrame,
    *arrays_and_indexes: ShardedArrays | pd.DataFrame,
) -> pd.DataFrame:
    """Train a network for every other fold of the protocols, and embed the people whom it never saw.

    Args:
        parameters: what is trained, and how.
        asked: whether it is to be done, and how many at once.
        seed: of all randomness.
        workspace: the folder for the states of the trainings.
        assignments: role and split of every capture under every protocol and fold.
        arrays_and_indexes: arrays and index of each modality in turn, in the order of the fusion.

    Returns:
        The embeddings by fold; none where it is not asked for.
    """
    from selfsame.learning.embedding.cross_validation import count_workers, embed_folds

    arrays, indexes = sort_by_modality(arrays_and_indexes)
    return embed_folds(
        arrays,
        indexes,
        assignments if asked.enabled else assignments.iloc[:0],
        encoder_of=parameters.encoder_of,
        encoders=parameters.encoders,
        regimen=parameters,
        seed=seed,
        workspace=workspace,
        workers=count_workers(asked.workers, parameters),
    )


def plot_history(history: pd.DataFrame) -> object:
    """Draw losses, accuracy and learning rate by epoch: a matplotlib figure."""
    from selfsame.learning.training.history import draw_history

    return draw_history(history)
