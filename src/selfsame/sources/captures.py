"""From candidates to captures: duplicates refused, captures numbered, a subject's attributes shared."""

import numpy as np
import pandas as pd

from selfsame.errors import InputError
from selfsame.sources.duplicates import order_captures, separate_duplicates, separate_key_conflicts
from selfsame.sources.tables import DISTINCT, INSTANCE, KEY, REJECTED, select_columns


def sift(candidates: pd.DataFrame, refused: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep what is one capture of one instance of one subject; refuse the rest with a reason.

    Returns:
        The captures (columns `DISTINCT`, sorted by their key, never by path) and all refused files (columns
        `REJECTED`, sorted by path); together they have one row a file.
    """
    distinct, duplicates = separate_duplicates(candidates)
    numbered, conflicts = separate_key_conflicts(number_captures(distinct))
    captures = select_columns(share_attributes(numbered).sort_values(list(KEY)), DISTINCT)
    rejected = pd.concat([refused, duplicates, conflicts], ignore_index=True)
    return captures, select_columns(rejected.sort_values("path", kind="stable"), REJECTED)


def number_captures(captures: pd.DataFrame) -> pd.DataFrame:
    """Number captures that have no index by the free ones of their instance, in the order of files."""
    ordered = order_captures(captures).reset_index(drop=True)
    index = ordered["capture_index"].to_numpy(dtype="float64", na_value=float("nan"))
    instance = ordered.groupby(list(INSTANCE), sort=False).ngroup().to_numpy()
    taken = set(zip(instance, index, strict=True))
    following = dict.fromkeys(instance, 1)
    for position in np.flatnonzero(np.isnan(index)):
        group = instance[position]
        while (group, following[group]) in taken:
            following[group] += 1
        index[position] = following[group]
        following[group] += 1
    return ordered.assign(capture_index=pd.Series(index).astype("int32"))


def share_attributes(captures: pd.DataFrame) -> pd.DataFrame:
    """Fill in the sex of a subject's captures from its other captures, where these agree."""
    sexes = captures.groupby("subject_id")["sex"]
    agreed = sexes.transform("first").where(sexes.transform("nunique") == 1)
    return captures.assign(sex=captures["sex"].fillna(agreed))


def require_captures(captures: pd.DataFrame, rejected: pd.DataFrame) -> None:
    """Check that something was accepted.

    Raises:
        InputError: nothing was; it names the most frequent reason and an example.
    """
    if len(captures):
        return
    reason = rejected["reason"].value_counts().index[0]
    example = rejected[rejected["reason"] == reason].iloc[0]
    raise InputError(
        f"expected at least one usable capture, but all {len(rejected)} files were refused, "
        f"most as {reason}: {example['path']} ({example['detail']}); each has its reason in "
        "rejected.parquet in 02_intermediate of the data root: give a folder of images, named as "
        "docs/layouts.md says"
    )
