"""Leaks: what a test must not know of, and does.

Checked before every evaluation, on the tables themselves, whoever made them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from selfsame.errors import MismatchError
from selfsame.sources.protocols import OPEN_SET, SUBJECT_DISJOINT

SHOWN = 3  # leaks that a message names; the others are counted

_TRAINED = frozenset({"train", "validation"})
_ENROLLED = frozenset({"reference", "both"})


@dataclass(frozen=True)
class Leak:
    """One thing that is in the test and, against the protocol, elsewhere.

    Attributes:
        protocol: under which.
        fold: in which fold.
        kind: `capture` (the same capture), `content` (another capture with the same bytes), `subject`
            (the same person) or `unenrolled` (a person without references who is trained on).
        name: the capture's or subject's identifier; for a content, its sha256.
        captures: how many captures of the test it concerns.
    """

    protocol: str
    fold: int
    kind: str
    name: str
    captures: int

    def __str__(self) -> str:
        return f"{self.protocol} fold {self.fold}: {self.kind} {self.name} ({self.captures} test captures)"


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
    folds = rows[["protocol", "fold"]].drop_duplicates().itertuples(index=False, name=None)
    return [
        leak
        for protocol, fold in folds
        for leak in _find(protocol, int(fold), rows[(rows["protocol"] == protocol) & (rows["fold"] == fold)])
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


def _find(protocol: str, fold: int, rows: pd.DataFrame) -> Sequence[Leak]:
    captures = rows[rows["impression"] == 0] if "impression" in rows else rows
    tested, trained = captures["split"] == "test", captures["split"].isin(_TRAINED)
    leaks = _meet("capture", captures[tested], captures[trained], "capture_id")
    seen = captures[trained | captures["role"].isin(_ENROLLED)]
    copies = captures.groupby("sha256")["capture_id"].transform("nunique") > 1
    leaks |= _meet("content", captures[tested & copies], seen[copies.loc[seen.index]], "sha256")
    tested, trained = rows["split"] == "test", rows["split"].isin(_TRAINED)
    if protocol == SUBJECT_DISJOINT:
        leaks |= _meet("subject", rows[tested], rows[trained], "subject_id")
    if protocol == OPEN_SET:
        enrolled = rows.loc[rows["role"].isin(_ENROLLED), "subject_id"]
        strangers = rows[~rows["subject_id"].isin(enrolled)]
        leaks |= _meet("unenrolled", strangers, strangers[trained.loc[strangers.index]], "subject_id")
    return [Leak(protocol, fold, kind, name, count) for (kind, name), count in leaks.items()]


def _meet(kind: str, one: pd.DataFrame, other: pd.DataFrame, by: str) -> dict[tuple[str, str], int]:
    """Count, for each value of a column that both tables have, its rows in the first."""
    shared = one.loc[one[by].isin(other[by]), by]
    return {(kind, str(name)): int(count) for name, count in shared.value_counts().sort_index().items()}
