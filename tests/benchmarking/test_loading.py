import numpy as np
import pytest

from selfsame.benchmarking.loading import Design, draw_rows, list_designs, time_loading
from selfsame.shards.arrays import ShardedArrays


@pytest.fixture
def arrays() -> list[ShardedArrays]:
    rng = np.random.default_rng(3)
    shapes = ((12, 2, 8, 16), (30, 2, 8, 8))
    return [ShardedArrays({"a": rng.integers(0, 256, shape, dtype=np.uint8)}) for shape in shapes]


def test_every_design_has_a_pace_and_its_share_of_a_copy(arrays: list[ShardedArrays]) -> None:
    designs = list_designs([4, 64], [1, 3], [0])
    found = time_loading(arrays, designs, presentations=20, rounds=2, design_s=0.01, seed=1)
    assert list(found["design"]) == ["memcpy"] * 2 + ["batch_loader"] * 4 + ["file_per_image"]
    assert (found[["samples_per_s", "processor_ms", "of_memcpy"]] > 0).all(axis=None)
    assert (found["of_memcpy"][:2] == 1.0).all()
    assert (found["least"] <= found["greatest"]).all()


def test_arrays_are_left_as_they_were(arrays: list[ShardedArrays]) -> None:
    before = [one.gather(np.arange(len(one))).copy() for one in arrays]
    designs = list_designs([4], [1], [0])
    time_loading(arrays, designs, presentations=20, rounds=1, design_s=0.01, seed=1)
    after = [one.gather(np.arange(len(one))) for one in arrays]
    assert all(np.array_equal(*pair) for pair in zip(before, after, strict=True))


def test_files_are_read_at_the_middle_size_of_batch() -> None:
    designs = list_designs([16, 64, 256], [2], [0, 2])
    assert designs[-2:] == [Design("file_per_image", 64), Design("file_per_image", 64, 0, 2)]


def test_every_row_is_drawn_before_any_comes_again() -> None:
    rows = draw_rows([3, 6], 6, seed=1)
    assert sorted(rows[:3, 0]) == [0, 1, 2]
    assert sorted(rows[:, 1]) == [0, 1, 2, 3, 4, 5]
