import numpy as np
import pytest

from selfsame.errors import DamagedError, InputError, MismatchError
from selfsame.matching.templates import join_templates


def test_templates_are_sorted_whatever_the_order_of_the_tables(index, embeddings):
    rows = index("iris_left", 3)
    table = embeddings(rows)
    first = join_templates(rows, table)
    second = join_templates(rows.sample(frac=1, random_state=1), table.sample(frac=1, random_state=2))
    assert first.names.tolist() == second.names.tolist() == sorted(first.names.tolist())
    np.testing.assert_array_equal(first.vectors, second.vectors)


def test_failed_capture_stays_as_a_row_without_numbers(index, embeddings):
    rows = index("iris_left", 2)
    rows.loc[2, "status"] = "failed"
    templates = join_templates(rows, embeddings(rows))
    assert len(templates) == len(rows)
    assert np.isnan(templates.vectors).all(axis=1).tolist() == [False, False, True, False, False, False]


def test_synthetic_impressions_are_named_so(index, embeddings):
    rows = index("fingerprint", 1, impressions=1, subjects=("a",))
    assert join_templates(rows, embeddings(rows)).names.tolist() == [
        "afingerprintleft1",
        "afingerprintleft1/1",
    ]


def test_embeddings_of_another_run_are_refused(index, embeddings):
    rows = index("iris_left", 2)
    with pytest.raises(MismatchError, match=r"got none of 1, such as airis_leftleft1: .* make them again"):
        join_templates(rows, embeddings(rows).iloc[1:])


def test_embeddings_of_several_lengths_are_refused(index, embeddings):
    rows = index("iris_left", 2)
    table = embeddings(rows)
    table.at[0, "embedding"] = np.ones(3, dtype=np.float32)
    with pytest.raises(InputError, match="expected embeddings of one length"):
        join_templates(rows, table)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_embeddings_of_a_broken_model_are_no_failures_to_acquire(index, embeddings, value):
    rows = index("iris_left", 2)
    table = embeddings(rows)
    table.at[0, "embedding"] = np.full(8, value, dtype=np.float32)
    with pytest.raises(DamagedError, match="of 1 captures, such as airis_leftleft1: the model is broken"):
        join_templates(rows, table)


def test_all_failed_gives_templates_without_numbers(index, embeddings):
    rows = index("iris_left", 1).assign(status="failed")
    other = embeddings(index("iris_right", 1))
    assert np.isnan(join_templates(rows, other).vectors).all()
