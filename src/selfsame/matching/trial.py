"""A trial: the probes and the references that one fold of a protocol lays out, and the figures it reports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from selfsame.errors import InputError, MismatchError
from selfsame.matching.figures import Figure, holds_synthetic, name_figures
from selfsame.matching.protocol import protocol_kind, select_probes, select_references
from selfsame.matching.templates import Captures, list_captures
from selfsame.protocols.names import Kind
from selfsame.shards.making import PASSING


@dataclass(frozen=True)
class Trial:
    """Both sides of all comparisons.

    Attributes:
        kind: the protocol.
        modalities: those that have probes and references, in the workload's order.
        probes: for each modality the captures that are presented, acquired or not; of one that lacks either
            side there are none.
        references: for each modality the captures that are enrolled, likewise.
        figures: what is reported, in the order it is shown.
        synthetic_impressions: the modalities whose probes are synthetic impressions.
    """

    kind: Kind
    modalities: tuple[str, ...]
    probes: dict[str, Captures]
    references: dict[str, Captures]
    figures: list[Figure]
    synthetic_impressions: tuple[str, ...]


def indexes_by_modality(indexes: Sequence[pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Name each index by the modality of its rows, in the order given; one without rows is left out."""
    return {str(index["modality"].iloc[0]): index for index in indexes if len(index)}


def set_up_trial(indexes: Mapping[str, pd.DataFrame]) -> Trial:
    """Lay out the probes and references of every modality.

    Args:
        indexes: the index of each modality in the workload's order, as one fold of a protocol sees it, failed
            captures included.

    Raises:
        InputError: fewer than two subjects have both a reference and a probe.
        MismatchError: captures could not be read, which is no failure to acquire them.
    """
    require_read(indexes)
    kind = protocol_kind(indexes.values())
    rows = {m: (select_probes(index), select_references(index, kind)) for m, index in indexes.items()}
    modalities = tuple(m for m, (probes, references) in rows.items() if len(probes) and len(references))
    tested = {m: set(rows[m][0]["subject_id"]) & set(rows[m][1]["subject_id"]) for m in modalities}
    subjects: set[str] = set().union(*tested.values())
    if len(subjects) < 2:
        raise InputError(
            f"expected at least two subjects with a reference and a probe, got {len(subjects)} under {kind}: "
            "add subjects or captures, or change the protocol's reference_captures or folds"
        )
    synthetic = tuple(m for m in modalities if holds_synthetic(rows[m][0]))
    shown = {m: sides if m in modalities else (sides[0][:0], sides[1][:0]) for m, sides in rows.items()}
    return Trial(
        kind=kind,
        modalities=modalities,
        probes={m: list_captures(probes) for m, (probes, _) in shown.items()},
        references={m: list_captures(references) for m, (_, references) in shown.items()},
        figures=name_figures(modalities, synthetic),
        synthetic_impressions=synthetic,
    )


def require_read(indexes: Mapping[str, pd.DataFrame]) -> None:
    """Refuse indexes with captures that failed for a reason that is not theirs, such as a missing file.

    Raises:
        MismatchError: how many, why, and the first of them.
    """
    failed = pd.concat([index.loc[index["reason"].isin(PASSING)] for index in indexes.values()])
    if len(failed):
        reasons = failed["reason"].value_counts().sort_index()
        counts = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        raise MismatchError(
            f"expected captures that could be read, got {counts} (first {failed['capture_id'].iloc[0]}), "
            "which are no failures to acquire: put the files back or remove them, and run "
            "data_engineering and preprocessing again"
        )
