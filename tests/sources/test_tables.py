"""Tables that grow row by row."""

import pandas as pd
import pytest

from selfsame.sources import tables
from selfsame.sources.tables import GrowingTable, iterate_rows, make_table

TYPES = {"name": "str", "count": "Int32", "share": "float64"}


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 7])
def test_rows_added_one_by_one_are_the_table_of_all(rows, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_HELD", 3)
    given = [{"name": f"n{i}", "count": i} if i % 2 else {"name": f"n{i}", "share": 0.5} for i in range(rows)]
    growing = GrowingTable(TYPES)
    for row in given:
        growing.add(row)
    pd.testing.assert_frame_equal(growing.finish(), make_table(given, TYPES))


@pytest.mark.parametrize("rows", [0, 1, 3, 7])
def test_rows_of_some_columns_come_in_order_however_many_are_held(rows, monkeypatch):
    monkeypatch.setattr(tables, "ROWS_HELD", 3)
    table = make_table([{"name": f"n{i}", "count": i, "share": 0.5} for i in range(rows)], TYPES)
    assert list(iterate_rows(table, ["count", "name"])) == [(i, f"n{i}") for i in range(rows)]
