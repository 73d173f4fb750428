"""Leaks: what a test must not know of, and does.

Checked before every evaluation, on the tables themselves, whoever made them.
"""

from dataclasses import dataclass

import pandas as pd

from selfsame.errors import MismatchError
from selfsame.protocols.names import OPEN_SET, SUBJECT_DISJOINT

SHOWN = 3  # leaks that a message names; the others are counted


@dataclass(frozen=True)
class Leak:
    """One thing that is in the test and, against the protocol, elsewhere.

    Attributes:
        protocol: under which.
        fold: in which fold.
        kind: `capture` (the same capture), `content` (another capture with the same bytes), `subject`
            (the same person) or `unenrolled` (a person without references who is trained on).
        name: the capture's or subject's identifier; for a content, its sha256.
        captures: how many of the test's captures it concerns; for `unenrolled`, of the person's.
    """

    protocol: str
    fold: int
    kind: str
    name: str
    captures: int

    def __str__(self) -> str:
        return f"{self.protocol} fold {self.fold}: {self.kind} {self.name} ({self.captures} captures)"


def find_leaks(assignments: pd.DataFrame, manifest: pd.DataFrame) -> list[Leak]:
    """Find what leaks into the test of each protocol and fold.

    No capture and no content is both trained on (or validated with) and tested, or both a reference and,
    under another identifier, a probe. Under subject_disjoint no subject is both trained on and tested. Under
    open_set nobody is trained on who has no reference.

    Args:
        assignments: see `assign_captures`; or an index with its protocol, which is one fold (0). Synthetic
            impressions stand for the subject of their capture, but are not the capture.
        manifest: says whose each capture is, and what its content is.

    Returns:
        The leaks, in the order of protocols, folds, kinds and names; none where all is well.

    Raises:
        MismatchError: a capture is not in the manifest.
    """
    table = assignments.assign(fold=assignments.get("fold", 0))
    known = manifest[["capture_id", "subject_id", "sha256"]]
    rows = table.drop(columns=["subject_id", "sha256"], errors="ignore").merge(
        known, on="capture_id", how="left"
    )
    lacking = rows["subject_id"].isna()
    if lacking.any():
        raise MismatchError(
            f"expected every assigned capture in the manifest, {int(lacking.sum())} rows are not (first "
            f"{rows.loc[lacking, 'capture_id'].iloc[0]}): run data_engineering again"
        )
    names = {name: pd.factorize(rows[name]) for name in ("capture_id", "subject_id", "sha256")}
    numbered = rows.assign(**{name: codes for name, (codes, _) in names.items()})
    folds = rows[["protocol", "fold"]].drop_duplicates().itertuples(index=False, name=None)
    return [
        Leak(protocol, int(fold), kind, str(name), count)
        for protocol, fold in folds
        for kind, by, counts in _find(
            protocol, numbered[(rows["protocol"] == protocol) & (rows["fold"] == fold)]
        )
        for name, count in sorted((names[by][1][code], count) for code, count in counts.items())
    ]


def require_no_leak(assignments: pd.DataFrame, manifest: pd.DataFrame) -> None:
    """Check that nothing leaks.

    Args:
        assignments: see `find_leaks`.
        manifest: of the same captures.

    Raises:
        MismatchError: something does; it names protocol, fold, and the subject or capture, and counts.
    """
    leaks = find_leaks(assignments, manifest)
    if leaks:
        named = "; ".join(map(str, leaks[:SHOWN])) + ("; ..." if len(leaks) > SHOWN else "")
        raise MismatchError(
            f"expected a test that training knows nothing of, got {len(leaks)} leaks: {named}: "
            "run data_engineering again"
        )


def _find(protocol: str, rows: pd.DataFrame) -> list[tuple[str, str, dict[int, int]]]:
    """Find the leaks of one fold: their kind, the column that names them, and captures by its value."""
    tested, trained = rows["split"] == "test", (rows["split"] == "train") | (rows["split"] == "validation")
    enrolled = (rows["role"] == "reference") | (rows["role"] == "both")
    itself = rows["impression"] == 0 if "impression" in rows else tested | ~tested
    copies = rows.groupby("sha256")["capture_id"].transform("nunique") > 1
    found = [
        ("capture", "capture_id", _meet(rows, itself & tested, itself & trained, "capture_id")),
        ("content", "sha256", _meet(rows, copies & tested, copies & (trained | enrolled), "sha256")),
    ]
    if protocol == SUBJECT_DISJOINT:
        found.append(("subject", "subject_id", _meet(rows, tested, trained, "subject_id")))
    if protocol == OPEN_SET:
        strangers = ~rows["subject_id"].isin(rows.loc[enrolled, "subject_id"])
        found.append(("unenrolled", "subject_id", _meet(rows, strangers, strangers & trained, "subject_id")))
    return found


def _meet(rows: pd.DataFrame, one: "pd.Series[bool]", other: "pd.Series[bool]", by: str) -> dict[int, int]:
    """Count, for each value of a column that rows of both kinds have, the rows of the first kind."""
    values = rows.loc[one, by]
    shared = values[values.isin(rows.loc[other, by])].value_counts()
    return dict(zip(shared.index.tolist(), shared.tolist(), strict=True))
