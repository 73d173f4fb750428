"""Who is compared with whom: the references and the probes that a protocol's index holds."""

from collections.abc import Iterable
from typing import Literal

import pandas as pd

Kind = Literal["closed_set", "subject_disjoint"]


def protocol_kind(indexes: Iterable[pd.DataFrame]) -> Kind:
    """Tell the protocol from the splits: only people never trained on have references in the test split."""
    held_out = any(((index["role"] == "reference") & (index["split"] == "test")).any() for index in indexes)
    return "subject_disjoint" if held_out else "closed_set"


def select_references(index: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Select the rows of enrolment: under subject_disjoint those of the test subjects only."""
    enrolled = index["role"] == "reference"
    return index[enrolled if kind == "closed_set" else enrolled & (index["split"] == "test")]


def select_probes(index: pd.DataFrame) -> pd.DataFrame:
    """Select the rows that are presented for recognition."""
    return index[(index["role"] == "probe") & (index["split"] == "test")]
