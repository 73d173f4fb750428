"""Protocols as data: of each protocol and fold, which role and split every capture has."""

import pandas as pd

from selfsame.errors import InputError, MismatchError
from selfsame.protocols.names import CLOSED_SET, PROTOCOLS, SUBJECT_DISJOINT
from selfsame.protocols.splits import SplitRules, split_closed_set, split_open_set, split_subject_disjoint
from selfsame.sources.index import place_impressions
from selfsame.sources.tables import ASSIGNMENTS, KEY, MANIFEST, select_columns

GIVEN = ["role", "split", "protocol"]
"""The columns that a protocol gives to the manifest and to an index."""


def assign_captures(captures: pd.DataFrame, rules: SplitRules, seed: int) -> pd.DataFrame:
    """Give every capture its role and split under every protocol and fold.

    closed_set and open_set have one fold, number 0; subject_disjoint has `rules.folds`.

    Args:
        captures: one row a capture, of all modalities.
        rules: how they are split.
        seed: of the draws.

    Returns:
        One row for each protocol, fold and capture, with the columns `ASSIGNMENTS`, in the order of
        `PROTOCOLS`, folds and capture keys.

    Raises:
        InputError: the captures cannot be split so; the message begins with the protocol.
    """
    ordered = captures.sort_values(list(KEY))
    made = [
        split.assign(protocol=protocol, fold=fold)
        for protocol in PROTOCOLS
        for fold, split in enumerate(_split(ordered, protocol, rules, seed))
    ]
    return select_columns(pd.concat([table[list(ASSIGNMENTS)] for table in made]), ASSIGNMENTS)


def apply_fold(captures: pd.DataFrame, assignments: pd.DataFrame, protocol: str, fold: int) -> pd.DataFrame:
    """Give captures the role and split of one fold: the manifest.

    Args:
        captures: one row a capture, without role, split and protocol.
        assignments: see `assign_captures`.
        protocol: one of `PROTOCOLS`.
        fold: from 0.
    """
    given = select_fold(assignments, protocol, fold)[["capture_id", *GIVEN]]
    return select_columns(captures.merge(given, on="capture_id", how="left"), MANIFEST)


def view_fold(index: pd.DataFrame, assignments: pd.DataFrame, protocol: str, fold: int) -> pd.DataFrame:
    """Show the index of a modality as it is under one fold of a protocol.

    Synthetic impressions are probes, placed by `place_impressions`; captures that the fold does not use are
    left out.

    Args:
        index: of one modality, whatever protocol it was made under.
        assignments: see `assign_captures`.
        protocol: one of `PROTOCOLS`.
        fold: from 0.

    Returns:
        The index, its rows in their order, with role, split and protocol of the fold.

    Raises:
        InputError: there is no such protocol or fold.
        MismatchError: the assignments lack a capture of the index.
    """
    given = select_fold(assignments, protocol, fold)[["capture_id", *GIVEN]]
    view = index.drop(columns=GIVEN).merge(given, on="capture_id", how="left", validate="many_to_one")
    lacking = view["split"].isna()
    if lacking.any():
        raise MismatchError(
            f"expected the assignments to cover the index, they lack {int(lacking.sum())} rows of it "
            f"(first capture {view.loc[lacking, 'capture_id'].iloc[0]}): run data_engineering and "
            "preprocessing again"
        )
    used = place_impressions(view[view["split"] != "unused"])
    return used[list(index.columns)].reset_index(drop=True)


def select_fold(assignments: pd.DataFrame, protocol: str, fold: int) -> pd.DataFrame:
    """Select the rows of one fold.

    Raises:
        InputError: there is no such protocol or fold.
    """
    chosen = assignments[(assignments["protocol"] == protocol) & (assignments["fold"] == fold)]
    if chosen.empty:
        counts = assignments.groupby("protocol", sort=False)["fold"].nunique()
        known = (
            ", ".join(
                f"{name} with {count} fold{'' if count == 1 else 's'}" for name, count in counts.items()
            )
            or "none"
        )
        raise InputError(
            f"expected a protocol and fold that the captures were assigned to ({known}), got {protocol} fold "
            f"{fold}: run data_engineering, or ask for another"
        )
    return chosen


def list_folds(assignments: pd.DataFrame, protocol: str) -> list[int]:
    """List the folds of a protocol in order; none where it was not assigned."""
    return sorted(assignments.loc[assignments["protocol"] == protocol, "fold"].unique().tolist())


def _split(captures: pd.DataFrame, protocol: str, rules: SplitRules, seed: int) -> list[pd.DataFrame]:
    try:
        if protocol == SUBJECT_DISJOINT:
            return list(split_subject_disjoint(captures, rules, seed))
        split = split_closed_set if protocol == CLOSED_SET else split_open_set
        return [split(captures, rules, seed)]
    except InputError as error:
        raise InputError(f"protocol {protocol}: {error}") from error
