"""Who is compared with whom: the references and the probes that a protocol's index holds."""

from collections.abc import Iterable
from typing import Literal

import pandas as pd

from selfsame.errors import MismatchError

Kind = Literal["closed_set", "subject_disjoint"]


def protocol_kind(indexes: Iterable[pd.DataFrame]) -> Kind:
    """Read the protocol that gave every capture its role and split.

    Raises:
        MismatchError: the indexes are of several protocols, or of new captures that nobody is compared with.
    """
    kinds = sorted({str(kind) for index in indexes for kind in index["protocol"].unique()})
    if kinds == ["closed_set"]:
        return "closed_set"
    if kinds == ["subject_disjoint"]:
        return "subject_disjoint"
    raise MismatchError(
        "expected captures of one protocol, closed_set or subject_disjoint, "
        f"got {', '.join(kinds) or 'none'}: run data_engineering and preprocessing again"
    )


def select_references(index: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Select the rows of enrolment: under subject_disjoint those of the test subjects only."""
    enrolled = index["role"] == "reference"
    return index[enrolled if kind == "closed_set" else enrolled & (index["split"] == "test")]


def select_probes(index: pd.DataFrame) -> pd.DataFrame:
    """Select the rows that are presented for recognition."""
    return index[(index["role"] == "probe") & (index["split"] == "test")]
