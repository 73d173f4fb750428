import numpy as np
import pandas as pd
import pytest

from selfsame.errors import InputError
from selfsame.learning.training.modalities import sort_by_modality
from selfsame.shards.arrays import ShardedArrays


def arrays(rows: int) -> ShardedArrays:
    return ShardedArrays({"shard": np.zeros((rows, 2, 4, 4), dtype=np.uint8)})


def index(modality: str, rows: int) -> pd.DataFrame:
    return pd.DataFrame({"modality": [modality] * rows})


@pytest.mark.parametrize("interleaved", [True, False], ids=["in turn", "arrays first"])
def test_arrays_and_indexes_are_matched_in_the_order_of_the_modalities(interleaved: bool) -> None:
    left, right = arrays(2), arrays(3)
    parts = [left, index("iris_left", 2), right, index("iris_right", 3)]
    found, tables = sort_by_modality(parts if interleaved else [parts[0], parts[2], parts[1], parts[3]])
    assert list(found) == list(tables) == ["iris_left", "iris_right"]
    assert found["iris_left"] is left
    assert len(tables["iris_right"]) == 3


def test_a_modality_without_captures_is_left_out_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    found, tables = sort_by_modality([arrays(2), index("iris_left", 2), arrays(1), index("fingerprint", 0)])
    assert list(found) == list(tables) == ["iris_left"]
    assert caplog.messages == [
        "1 of 2 modalities have no captures and are left out, there are those of iris_left"
    ]


def test_no_captures_at_all_are_refused() -> None:
    with pytest.raises(InputError, match="every index is empty: run preprocessing"):
        sort_by_modality([arrays(1), index("iris_left", 0)])
