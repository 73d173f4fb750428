"""The captures of a workload, sorted by modality."""

import logging
from collections.abc import Iterable

import pandas as pd

from selfsame.errors import InputError
from selfsame.matching.trial import indexes_by_modality
from selfsame.shards.arrays import ShardedArrays

logger = logging.getLogger(__name__)

Captures = tuple[dict[str, ShardedArrays], dict[str, pd.DataFrame]]


def sort_by_modality(parts: Iterable[ShardedArrays | pd.DataFrame]) -> Captures:
    """Sort arrays and indexes by modality; one without captures is left out.

    Args:
        parts: the arrays and the index of each modality; both in the same order of modalities.

    Returns:
        The arrays and the indexes by modality, in that order.

    Raises:
        InputError: no modality has captures.
    """
    given = list(parts)
    arrays = [part for part in given if isinstance(part, ShardedArrays)]
    indexes = [part for part in given if isinstance(part, pd.DataFrame)]
    tables = indexes_by_modality(indexes)
    if not tables:
        raise InputError(
            "expected captures of at least one modality, but every index is empty: run preprocessing"
        )
    if len(tables) < len(indexes):
        logger.warning(
            "%d of %d modalities have no captures and are left out, there are those of %s",
            len(indexes) - len(tables),
            len(indexes),
            ", ".join(tables),
        )
    filled = [pixels for pixels, index in zip(arrays, indexes, strict=True) if len(index)]
    return dict(zip(tables, filled, strict=True)), tables
