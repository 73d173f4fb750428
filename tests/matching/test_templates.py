import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as stn

from selfsame.errors import DamagedError
from selfsame.matching.templates import (
    ANY,
    ANY_FOLD,
    TEMPLATE_COLUMNS,
    list_captures,
    name_captures,
    pack_template,
    tabulate_templates,
    unpack_templates,
)

KINDS = [np.uint8, np.uint64, np.int16, np.float32, np.float16]


@st.composite
def stacks(draw):
    shape = draw(stn.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5))
    kind = np.dtype(draw(st.sampled_from(KINDS)))
    return draw(stn.arrays(kind, shape))


@given(stacks())
@settings(max_examples=50, deadline=None)
def test_templates_come_back_bit_for_bit(stack):
    back = unpack_templates(pd.Series([pack_template(one) for one in stack]))
    assert back.dtype == stack.dtype
    assert back.shape == stack.shape
    assert back.tobytes() == stack.tobytes()  # not a comparison of values: NaN and -0.0 have bits, too


def test_template_that_is_no_row_of_its_memory_comes_back():
    transposed = np.arange(12, dtype=np.float32).reshape(3, 4).T
    (back,) = unpack_templates(pd.Series([pack_template(transposed)]))
    np.testing.assert_array_equal(back, transposed)


def test_templates_survive_parquet(tmp_path, index):
    rows = index("iris_left", 2)
    stack = np.random.default_rng(0).integers(0, 2**63, (len(rows), 2, 4), dtype=np.uint64)
    table = tabulate_templates(rows, stack, comparator="code", version="v", settings="{}")
    table.to_parquet(tmp_path / "templates.parquet", index=False)
    back = pd.read_parquet(tmp_path / "templates.parquet")
    np.testing.assert_array_equal(unpack_templates(back["template"]), stack)
    assert set(back.columns) == set(TEMPLATE_COLUMNS)
    assert back[["protocol", "fold"]].drop_duplicates().values.tolist() == [[ANY, ANY_FOLD]]


GOOD = pack_template(np.float32([1, 2]))


@pytest.mark.parametrize(
    "packed",
    [
        [GOOD, pack_template(np.float32([1, 2, 3]))],
        [GOOD, pack_template(np.float64([1, 2]))],
        [GOOD[:-1]],
        [GOOD + b"\0"],
        [GOOD[10:]],
        [b""],
        [b"[1, 2]\nabc"],
        [b'["<f4", "two"]\n' + bytes(8)],
        [b'["|O", [1]]\n' + bytes(8)],
        [b'["no such type", [1]]\n' + bytes(8)],
        [b"\xff\xfe\n" + bytes(8)],
    ],
    ids=[
        "another shape", "another type", "cut", "longer", "no head", "nothing", "no type", "no shape",
        "objects", "unknown type", "no text",
    ],
)  # fmt: skip
def test_damaged_templates_are_refused_with_the_remedy(packed):
    with pytest.raises(DamagedError, match=r"expected \d templates of one type and shape.*run evaluation"):
        unpack_templates(pd.Series(packed))


def test_no_templates_are_refused():
    with pytest.raises(DamagedError, match="expected 0 templates"):
        unpack_templates(pd.Series([], dtype=object))


def test_captures_are_listed_in_one_order_whatever_that_of_the_rows(index):
    rows = index("iris_left", 3, impressions=1)
    first, second = list_captures(rows), list_captures(rows.sample(frac=1, random_state=1))
    assert first.names.tolist() == second.names.tolist()
    assert first.subjects.tolist() == sorted(first.subjects.tolist())
    assert len(first) == len(rows)


def test_synthetic_impressions_are_named_so(index):
    rows = index("fingerprint", 1, impressions=2, subjects=("a",))
    name = "a_fingerprint_left_1"
    assert name_captures(rows).tolist() == [name, f"{name}/1", f"{name}/2"]
