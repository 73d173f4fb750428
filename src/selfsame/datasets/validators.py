"""Validators of tables, for the catalog's `validator:` key: they run on every save and load."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from selfsame.errors import DamagedError
from selfsame.protocols.assignment import PROTOCOLS
from selfsame.sources.index import INDEX
from selfsame.sources.tables import ASSIGNMENTS, KEY, MANIFEST, QUALITY, REJECTED, Types

if TYPE_CHECKING:
    from pandera.pandas import Check, DataFrameSchema

_ROLES = ("reference", "probe", "both")
_SPLITS = ("train", "validation", "test")
_PROTOCOLS = (*PROTOCOLS, "unenrolled")
_REMEDY = "make it again with the pipeline that writes it"


ROWS_CHECKED = 65_536
"""Rows whose values are checked at a time."""


class ManifestValidator:
    """Check a manifest: columns, types, ranges, unique captures, and that no split leaks into another."""

    def validate(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return the manifest, or raise.

        Raises:
            DamagedError: what was found, in one line.
        """
        nullable = {"sex", "hand", "finger", "device", "session"}
        nullable |= {name for name, kind in MANIFEST.items() if kind == "float64"}
        _check_columns("the manifest", data, MANIFEST, nullable, _manifest_checks())
        _require_unique("the manifest", data, ["capture_id"])
        _require_unique("the manifest", data, ["sha256"])
        _require_unique("the manifest", data, list(KEY))
        if data["protocol"].nunique() > 1:
            raise DamagedError(
                f"expected one protocol in the manifest, got {sorted(data['protocol'].unique())}"
            )
        if (data["protocol"] == "subject_disjoint").any():
            _require_disjoint(data, "the manifest")
        return data


class AssignmentsValidator:
    """Check the assignments: columns, types, the same captures in every fold, everybody tested in one."""

    def validate(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return the assignments, or raise.

        Raises:
            DamagedError: what was found, in one line.
        """
        what = "the assignments"
        _check_columns(what, data, ASSIGNMENTS, set(), _assignment_checks())
        subjects: pd.Series[str] | None = None
        tested: dict[int, list[str]] = {}
        for protocol, fold, rows in _list_folds(data):
            if rows["capture_id"].duplicated().any():
                _require_unique(what, data, ["protocol", "fold", "capture_id"])
            found = rows.set_index("capture_id")["subject_id"].sort_index()
            if subjects is not None and not found.equals(subjects):
                _require_whole_folds(data)
            subjects = found
            if protocol == "subject_disjoint":
                _require_disjoint(rows, f"fold {fold} of {what}")
                tested[fold] = list(rows.loc[rows["split"] == "test", "subject_id"].unique())
        _require_one_test(what, tested, subjects)
        return data


class RejectedValidator:
    """Check the table of files that were not taken: columns, types, one row a file, always a reason."""

    def validate(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return the table, or raise.

        Raises:
            DamagedError: what was found, in one line.
        """
        from pandera.pandas import Check

        words = {"reason": [Check.str_matches(r"^[a-z_]+$")], "bytes": [Check.ge(0)]}
        _check_columns("the table of rejected files", data, REJECTED, set(), words)
        _require_unique("the table of rejected files", data, ["path"])
        return data


class IndexValidator:
    """Check the index of a modality: columns, types, a place for each success, a reason for each failure."""

    def validate(self, data: pd.DataFrame) -> pd.DataFrame:
        """Return the index, or raise.

        Raises:
            DamagedError: what was found, in one line.
        """
        _check_columns("the index", data, INDEX, {"reason", "shard"}, _index_checks())
        _require_unique("the index", data, ["capture_id", "impression"])
        failed = data["status"] == "failed"
        consistent = (data["reason"].notna() == failed) & (data["shard"].isna() == failed)
        consistent &= (data["row"] < 0) == failed
        if not consistent.all():
            found = data.loc[~consistent, "capture_id"].iloc[0]
            raise DamagedError(
                "expected every row of the index to have a shard and a row, or a reason, "
                f"got neither or both for capture {found}: {_REMEDY}"
            )
        _require_unique("the index", data[~failed], ["shard", "row"])
        return data


def _manifest_checks() -> "dict[str, list[Check]]":
    from pandera.pandas import Check

    share, positive = Check.in_range(0, 1), Check.gt(0)
    return {
        "capture_id": [Check.str_matches(r"^[0-9a-f]{24}$")],
        "sha256": [Check.str_matches(r"^[0-9a-f]{64}$")],
        "xxh128": [Check.str_matches(r"^[0-9a-f]{32}$")],
        "subject_id": [Check.str_length(min_value=1)],
        "modality": [Check.str_matches(r"^[a-z][a-z0-9_]*$")],
        "path": [Check.str_matches(r"^(?!/)(?!.*(?:^|/)\.\.(?:/|$))")],
        "sharpness": [Check.ge(0)],
        "focus": [Check.ge(0)],
        **{name: [positive] for name in ("capture_index", "width", "height", "bytes")},
        **{name: [share] for name in QUALITY if name not in {"sharpness", "focus"}},
        "role": [Check.isin(_ROLES)],
        "split": [Check.isin(_SPLITS)],
        "protocol": [Check.isin(_PROTOCOLS)],
    }


def _assignment_checks() -> "dict[str, list[Check]]":
    from pandera.pandas import Check

    return {
        "protocol": [Check.isin(PROTOCOLS)],
        "fold": [Check.ge(0)],
        "capture_id": [Check.str_matches(r"^[0-9a-f]{24}$")],
        "subject_id": [Check.str_length(min_value=1)],
        "role": [Check.isin(_ROLES)],
        "split": [Check.isin((*_SPLITS, "unused"))],
    }


def _index_checks() -> "dict[str, list[Check]]":
    from pandera.pandas import Check

    return {
        "capture_index": [Check.gt(0)],
        "impression": [Check.ge(0)],
        "row": [Check.ge(-1)],
        "role": [Check.isin(_ROLES)],
        "split": [Check.isin(_SPLITS)],
        "protocol": [Check.isin(_PROTOCOLS)],
        "status": [Check.isin(("ok", "failed"))],
        "measures": [Check.str_startswith("{"), Check.str_endswith("}")],
    }


def _check_columns(
    what: str, data: pd.DataFrame, types: Types, nullable: set[str], checks: "Mapping[str, list[Check]]"
) -> None:
    """Check names, order and types of the columns, then their values through pandera."""
    from pandera.errors import SchemaErrors

    if list(data.columns) != list(types):
        missing = ", ".join(name for name in types if name not in data.columns) or "none"
        unexpected = ", ".join(str(name) for name in data.columns if name not in types) or "none"
        raise DamagedError(
            f"expected {what} to have the columns {', '.join(types)} in this order; missing: {missing}, "
            f"unexpected: {unexpected}: {_REMEDY}"
        )
    for name, kind in types.items():
        if data[name].dtype != pd.api.types.pandas_dtype(kind):
            raise DamagedError(
                f"expected column {name} of {what} to be {kind}, got {data[name].dtype}: {_REMEDY}"
            )
    try:
        schema = _make_schema(types, nullable, checks)
        for start in range(0, max(len(data), 1), ROWS_CHECKED):  # each check makes copies of what it sees
            schema.validate(data.iloc[start : start + ROWS_CHECKED], lazy=True)
    except SchemaErrors as error:
        case = error.failure_cases.iloc[0]
        raise DamagedError(
            f"expected column {case['column']} of {what} to satisfy {case['check']}, "
            f"got {case['failure_case']} (row {case['index']}): {_REMEDY}"
        ) from error


def _make_schema(types: Types, nullable: set[str], checks: "Mapping[str, list[Check]]") -> "DataFrameSchema":
    from pandera.pandas import Column, DataFrameSchema

    return DataFrameSchema(
        {name: Column(None, checks.get(name, []), nullable=name in nullable) for name in types}
    )


def _require_unique(what: str, data: pd.DataFrame, columns: list[str]) -> None:
    repeated = data.duplicated(columns)
    if repeated.any():
        value = ", ".join(str(value) for value in data.loc[repeated, columns].iloc[0])
        raise DamagedError(
            f"expected {', '.join(columns)} to be unique in {what}, got {value} more than once: {_REMEDY}"
        )


def _list_folds(data: pd.DataFrame) -> Iterator[tuple[str, int, pd.DataFrame]]:
    """Give the rows of one fold of one protocol at a time, since all together are many."""
    narrow, folds = data[["capture_id", "subject_id", "split"]], data["fold"].to_numpy()
    for protocol in data["protocol"].unique():
        of_protocol = (data["protocol"] == protocol).to_numpy(dtype=bool)
        for fold in np.unique(folds[of_protocol]).tolist():
            rows = np.flatnonzero(of_protocol & (folds == fold))
            together = rows[-1] - rows[0] < len(rows)  # as they are written: a slice copies nothing
            yield protocol, fold, narrow.iloc[slice(rows[0], rows[-1] + 1) if together else rows]


def _require_whole_folds(data: pd.DataFrame) -> None:
    """Check that every fold has the same captures, each of the same subject."""
    captures = data[["capture_id", "subject_id"]].drop_duplicates()
    for (protocol, fold), rows in data.groupby(["protocol", "fold"], sort=False):
        if len(rows) != len(captures):
            raise DamagedError(
                "expected the same captures of the same subjects in every fold of the assignments, got "
                f"{len(rows)} of {len(captures)} in {protocol} fold {fold}: {_REMEDY}"
            )


def _require_one_test(what: str, tested: Mapping[int, list[str]], subjects: "pd.Series[str] | None") -> None:
    """Check that the folds of subject_disjoint, where there are any, test every subject once."""
    if subjects is None or not tested:
        return
    tests, people = [subject for fold in tested.values() for subject in fold], subjects.nunique()
    if len(tests) != people or len(set(tests)) != people:
        raise DamagedError(
            f"expected every subject to be tested in one fold of subject_disjoint in {what}, got "
            f"{len(tests)} tests of {people} subjects: {_REMEDY}"
        )


def _require_disjoint(data: pd.DataFrame, what: str) -> None:
    tested, trained = data["split"] == "test", data["split"].isin(("train", "validation"))
    both = sorted(set(data.loc[tested, "subject_id"]) & set(data.loc[trained, "subject_id"]))
    if both:
        raise DamagedError(
            "expected no subject of the test to be trained on under subject_disjoint, "
            f"got {both[0]} in both in {what}: {_REMEDY}"
        )
