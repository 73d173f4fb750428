"""Templates of the captures of one modality, by every comparator that it has."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.code_digest import list_imported
from selfsame.errors import MismatchError
from selfsame.matching.comparators import Comparator, Learnt, write_settings
from selfsame.matching.pairs import PAIR_COLUMNS, compare_templates
from selfsame.matching.sharing import share_out
from selfsame.matching.templates import (
    ANY,
    ANY_FOLD,
    TEMPLATE_COLUMNS,
    pack_template,
    tabulate_templates,
    unpack_templates,
)
from selfsame.parallel.progress import follow
from selfsame.protocols.assignment import list_folds, view_fold
from selfsame.protocols.names import PROTOCOLS
from selfsame.shards.arrays import ShardedArrays
from selfsame.shards.planning import digest_settings

FITTED_COLUMNS = ["comparator", "protocol", "fold", "part", "values"]
SHOWN_DIGITS = 12


def fit_all(
    comparators: Mapping[str, Comparator],
    arrays: ShardedArrays,
    index: pd.DataFrame,
    assignments: pd.DataFrame,
) -> pd.DataFrame:
    """Fit the comparators that learn from images on the training captures of every fold.

    Args:
        comparators: by name.
        arrays: the pixels of the modality.
        index: of the modality.
        assignments: role and split of every capture under every protocol and fold.

    Returns:
        One row an array that a comparator learnt, with FITTED_COLUMNS; none where nothing learns.
    """
    rows = []
    for name, comparator in comparators.items():
        if not comparator.learns or index.empty:
            continue
        for protocol, fold in _list_all_folds(assignments):
            view = view_fold(index, assignments, protocol, fold)
            chosen = view[(view["split"] == "train") & (view["status"] == "ok")]
            if len(chosen):
                learnt = comparator.fit(_gather(arrays, chosen))
                rows += [
                    (name, protocol, fold, part, pack_template(values)) for part, values in learnt.items()
                ]
    table = pd.DataFrame(rows, columns=FITTED_COLUMNS)
    return table.astype({"comparator": "str", "protocol": "str", "fold": "int32", "part": "str"})


def encode_all(
    comparators: Mapping[str, Comparator],
    fitted: pd.DataFrame,
    arrays: ShardedArrays,
    index: pd.DataFrame,
    *,
    batch_size: int,
    workers: int,
) -> pd.DataFrame:
    """Make a template of every acquired capture by every comparator, for each fold that it was fitted for.

    Args:
        comparators: by name.
        fitted: from `fit_all`.
        arrays: the pixels of the modality.
        index: of the modality.
        batch_size: captures a task.
        workers: processes; 1: none but this, -1: as many as there are cores.

    Returns:
        TEMPLATE_COLUMNS, captures in the order of the index.

    Raises:
        MismatchError: something was fitted for a comparator that is not among these.
        WorkerDiedError: the process that worked on a batch has died.
    """
    rows = index[index["status"] == "ok"]
    tables = [
        tabulate_templates(
            rows,
            _encode(name, comparators[name], learnt, arrays, rows, batch_size=batch_size, workers=workers),
            comparator=name,
            version=_digest(comparators[name], learnt, arrays),
            settings=write_settings(comparators[name]),
            protocol=protocol,
            fold=fold,
        )
        for name, protocol, fold, learnt in _list_fits(comparators, fitted)
        if len(rows)
    ]
    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in TEMPLATE_COLUMNS})
    return pd.concat(tables, ignore_index=True)[TEMPLATE_COLUMNS] if tables else empty


def compare_all(
    comparators: Mapping[str, Comparator], templates: pd.DataFrame, *, workers: int
) -> pd.DataFrame:
    """Compare every pair of captures of the same instance once by every comparator: PAIR_COLUMNS.

    Raises:
        WorkerDiedError: the process that compared some of them has died.
    """
    tables = [
        compare_templates(rows, comparators[str(name)].compare, workers=workers)
        for (name, _, _), rows in templates.groupby(["comparator", "protocol", "fold"], sort=False)
    ]
    empty = pd.DataFrame({name: pd.Series(dtype="object") for name in PAIR_COLUMNS})
    return pd.concat(tables, ignore_index=True) if tables else empty


def _list_all_folds(assignments: pd.DataFrame) -> list[tuple[str, int]]:
    return [(protocol, fold) for protocol in PROTOCOLS for fold in list_folds(assignments, protocol)]


def _list_fits(
    comparators: Mapping[str, Comparator], fitted: pd.DataFrame
) -> Iterator[tuple[str, str, int, Learnt]]:
    """Yield each comparator with what it learnt: once where it learns nothing, else for every fold.

    Raises:
        MismatchError: something was fitted for a comparator that is not among these.
    """
    others = sorted(set(fitted["comparator"]) - set(comparators))
    if others:
        raise MismatchError(
            f"expected what {', '.join(comparators) or 'no comparator'} learnt, got what {', '.join(others)} "
            "learnt: run evaluation again with these comparators"
        )
    for name, comparator in comparators.items():
        if not comparator.learns:
            yield name, ANY, ANY_FOLD, {}
    for (learner, protocol, fold), rows in fitted.groupby(["comparator", "protocol", "fold"], sort=False):
        parts = {
            str(part): unpack_templates(rows.loc[rows["part"] == part, "values"])[0] for part in rows["part"]
        }
        yield str(learner), str(protocol), int(str(fold)), parts


def _encode(
    name: str,
    comparator: Comparator,
    learnt: Learnt,
    arrays: ShardedArrays,
    rows: pd.DataFrame,
    *,
    batch_size: int,
    workers: int,
) -> NDArray[np.generic]:
    batches = [rows.iloc[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    tasks = (partial(comparator.encode, _gather(arrays, batch), learnt) for batch in batches)
    what = f"{rows['modality'].iloc[0]} templates by {name}"
    made = share_out(tasks, count=len(batches), workers=workers, what=what)
    return np.concatenate(list(follow(made, what, len(batches), "batch")))


def _gather(arrays: ShardedArrays, rows: pd.DataFrame) -> NDArray[np.uint8]:
    return arrays.gather(arrays.rows(rows["shard"].tolist(), rows["row"].to_numpy()))


def _digest(comparator: Comparator, learnt: Learnt, arrays: ShardedArrays) -> str:
    """Digest what templates must share to be compared: settings, code, normalisation, what was learnt."""
    parts = {part: hashlib.sha256(pack_template(values)).hexdigest() for part, values in learnt.items()}
    settings = {"settings": comparator.model_dump(mode="json"), "recipe": arrays.recipe, "learnt": parts}
    return digest_settings(settings, list_imported(comparator.modules), None)[:SHOWN_DIGITS]
