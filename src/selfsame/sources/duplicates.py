"""Duplicates: the same bytes, or the same capture key, more than once.

One copy stays only where all copies claim the same instance of the same subject. Where they claim two people,
or two instances, nobody can tell from the files which claim is right, so every copy is refused. The same
holds for two different files that claim one capture key.
"""

import re

import pandas as pd

from selfsame.sources.tables import INSTANCE, KEY, REJECTED, select_columns

_DIGITS = re.compile(r"(\d+)")


def separate_duplicates(candidates: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Keep one file for each digest that makes a single claim, in the order of `order_captures`.

    Returns:
        The kept candidates, and the refused files with reason `duplicate`, `duplicate_across_instances` or
        `duplicate_across_subjects`.
    """
    ordered = order_captures(candidates)
    copies = ordered.groupby("sha256", sort=False)
    instances = ordered.groupby(list(INSTANCE), sort=False).ngroup()
    several_subjects = copies["subject_id"].transform("nunique") > 1
    several_instances = instances.groupby(ordered["sha256"], sort=False).transform("nunique") > 1
    reasons = pd.Series(pd.NA, index=ordered.index, dtype="string")
    reasons = reasons.mask(copies.cumcount() > 0, "duplicate")
    reasons = reasons.mask(several_instances, "duplicate_across_instances")
    reasons = reasons.mask(several_subjects, "duplicate_across_subjects")
    return _separate(ordered, reasons, "sha256", "the same bytes")


def separate_key_conflicts(captures: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Refuse every file whose key (subject, modality, instance, capture index) another file claims too."""
    conflicting = captures.duplicated(list(KEY), keep=False)
    reasons = pd.Series(pd.NA, index=captures.index, dtype="string").mask(conflicting, "duplicate_key")
    return _separate(captures, reasons, list(KEY), "the same capture index")


def order_captures(captures: pd.DataFrame) -> pd.DataFrame:
    """Order by subject, modality, instance, index (unknown last), then by the numbers in the file's name."""
    keyed = captures.assign(_name=captures["path"].map(_natural))
    return keyed.sort_values([*KEY, "_name", "path"], na_position="last", kind="stable").drop(columns="_name")


def _natural(path: str) -> str:
    """Pad the numbers of a file's name, so that 10 comes after 9."""
    return _DIGITS.sub(lambda match: match[1].zfill(20), path.rpartition("/")[2].lower())


def _separate(
    table: pd.DataFrame, reasons: "pd.Series[str]", by: str | list[str], what: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split a table by whether it has a reason; the detail names another file of the same group."""
    several = table.duplicated(by, keep=False)  # what is refused is among these
    copies = table[several]
    paths = copies.groupby(by, sort=False)["path"]
    first, last = paths.transform("first"), paths.transform("last")
    other = first.where(first != copies["path"], last)
    refused = copies.assign(reason=reasons[several], detail=what + " as " + other)
    refused = refused[refused["reason"].notna()]
    kept = table[reasons.isna()] if len(refused) else table  # which copies nothing
    return kept.reset_index(drop=True), select_columns(refused, REJECTED)
