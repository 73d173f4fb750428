"""Who is compared with whom: the references and the probes that the index of a fold holds."""

from collections.abc import Iterable

import pandas as pd

from selfsame.errors import MismatchError
from selfsame.protocols.names import PROTOCOLS, Kind

BOTH = "both"
"""The role of a capture that is compared with every other one of the test, once."""

ENROLLED = ("reference", BOTH)
"""The roles of captures that others are compared with."""


def protocol_kind(indexes: Iterable[pd.DataFrame]) -> Kind:
    """Read the protocol that gave every capture its role and split.

    Raises:
        MismatchError: the indexes are of several protocols, or of new captures that nobody is compared with.
    """
    kinds = sorted({str(kind) for index in indexes for kind in index["protocol"].unique()})
    for kind in PROTOCOLS:
        if kinds == [kind]:
            return kind
    raise MismatchError(
        f"expected captures of one protocol of {', '.join(PROTOCOLS)}, "
        f"got {', '.join(kinds) or 'none'}: run data_engineering and preprocessing again"
    )


def select_references(index: pd.DataFrame, kind: Kind) -> pd.DataFrame:
    """Select the rows of enrolment: under subject_disjoint those of the test subjects only."""
    enrolled = index["role"].isin(ENROLLED)
    return index[enrolled & (index["split"] == "test") if kind == "subject_disjoint" else enrolled]


def select_probes(index: pd.DataFrame) -> pd.DataFrame:
    """Select the rows that are presented for recognition."""
    return index[index["role"].isin(["probe", BOTH]) & (index["split"] == "test")]
