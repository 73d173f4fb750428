"""The tables of a source: which columns they have, in which order and of which type."""

from collections.abc import Mapping, Sequence

import pandas as pd

Types = Mapping[str, str]

_PATH_SAYS: Types = dict.fromkeys(("sex", "hand", "finger", "device", "session"), "str")
QUALITY: Types = dict.fromkeys(
    (
        "sharpness",
        "brightness",
        "contrast",
        "focus",
        "highlight_share",
        "foreground_share",
        "ridge_coherence",
    ),
    "float64",
)
"""The quality measures; null where the modality does not offer one."""

MANIFEST: Types = {
    "capture_id": "str",
    "subject_id": "str",
    "modality": "str",
    "instance": "str",
    "capture_index": "int32",
    "path": "str",
    "sha256": "str",
    "xxh128": "str",
    "format": "str",
    "width": "int32",
    "height": "int32",
    "bytes": "int64",
    "resolution_dpi": "float64",
    **_PATH_SAYS,
    **QUALITY,
    "role": "str",
    "split": "str",
    "protocol": "str",
}
"""One row a capture; `resolution_dpi` is null where the file does not say, and `protocol` is the protocol
whose fold 0 gave all rows their role and split."""

DISTINCT: Types = {name: kind for name, kind in MANIFEST.items() if name not in {"role", "split", "protocol"}}
"""The manifest before the protocol."""

CANDIDATES: Types = {**DISTINCT, "capture_index": "Int32"}
"""What was decoded; the index is null where the path has none."""

ASSIGNMENTS: Types = {
    "protocol": "str",
    "fold": "int32",
    "capture_id": "str",
    "subject_id": "str",
    "role": "str",
    "split": "str",
}
"""One row for each protocol, fold (from 0) and capture. Role: reference, probe, or both (every capture of the
test is compared once with every other). Split: train, validation, test or unused."""

REJECTED: Types = {"path": "str", "bytes": "int64", "reason": "str", "detail": "str"}
"""One row a file that was seen and not taken."""

ROWS_HELD = 4096
"""So many rows are kept as dictionaries, some 2 KiB each, before they become columns."""

KEY = ("subject_id", "modality", "instance", "capture_index")
INSTANCE = ("subject_id", "modality", "instance")


def make_table(rows: Sequence[Mapping[str, object]], types: Types) -> pd.DataFrame:
    """Make a table of exactly these columns and types; an absent value is null."""
    columns = {name: pd.Series([row.get(name) for row in rows], dtype=kind) for name, kind in types.items()}
    return pd.DataFrame(columns)


class GrowingTable:
    """A table to which rows are added one by one; in memory they soon become columns.

    Args:
        types: of its columns.
    """

    def __init__(self, types: Types) -> None:
        self._types = types
        self._rows: list[Mapping[str, object]] = []
        self._tables: list[pd.DataFrame] = []

    def add(self, row: Mapping[str, object]) -> None:
        """Add a row at the end; an absent value is null."""
        self._rows.append(row)
        if len(self._rows) == ROWS_HELD:
            self._tables.append(make_table(self._rows, self._types))
            self._rows = []

    def finish(self) -> pd.DataFrame:
        """Give the whole table."""
        tables = [*self._tables, make_table(self._rows, self._types)]
        return pd.concat(tables, ignore_index=True) if self._tables else tables[0]


def select_columns(table: pd.DataFrame, types: Types) -> pd.DataFrame:
    """Bring a table to exactly these columns, in order, and types, with a fresh index."""
    return table.loc[:, list(types)].astype(dict(types)).reset_index(drop=True)
