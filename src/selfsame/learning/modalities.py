"""The captures of a workload, sorted by modality."""

from collections.abc import Iterable

import pandas as pd

from selfsame.errors import InputError
from selfsame.imaging.arrays import ShardedArrays

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
    pairs = {
        str(index["modality"].iloc[0]): (pixels, index)
        for pixels, index in zip(arrays, indexes, strict=True)
        if len(index)
    }
    if not pairs:
        raise InputError(
            "expected captures of at least one modality, but every index is empty: run preprocessing"
        )
    return (
        {modality: pixels for modality, (pixels, _) in pairs.items()},
        {modality: index for modality, (_, index) in pairs.items()},
    )
