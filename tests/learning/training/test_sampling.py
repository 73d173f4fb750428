import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfsame.learning.training.sampling import ABSENT, cut_batches, draw_presentations

modalities = st.lists(
    st.lists(st.integers(0, 5), max_size=12).map(lambda rows: np.array(rows, dtype=np.int64)),
    min_size=1,
    max_size=4,
)


@given(modalities, st.integers(0, 2**40), st.integers(1, 100))
def test_each_presentation_is_of_one_subject(rows, seed, epoch):
    for presentation in draw_presentations(rows, seed=seed, epoch=epoch):
        shown = {int(rows[m][row]) for m, row in enumerate(presentation) if row != ABSENT}
        assert len(shown) == 1


@given(modalities, st.integers(0, 2**40), st.integers(1, 100))
def test_every_row_is_shown_and_evenly_often(rows, seed, epoch):
    presentations = draw_presentations(rows, seed=seed, epoch=epoch)
    for m, subjects in enumerate(rows):
        shown = np.bincount(presentations[:, m][presentations[:, m] != ABSENT], minlength=subjects.size)
        for subject in np.unique(subjects):
            times = shown[subjects == subject]
            assert times.min() >= 1
            assert times.max() - times.min() <= 1


@given(modalities, st.integers(0, 2**40))
def test_a_subject_is_shown_as_often_as_its_largest_modality_has_rows(rows, seed):
    presentations = draw_presentations(rows, seed=seed, epoch=1)
    expected = sum(max(int((one == subject).sum()) for one in rows) for subject in range(6))
    assert len(presentations) == expected


@given(modalities, st.integers(0, 2**40))
def test_a_modality_that_a_subject_lacks_stays_absent(rows, seed):
    for presentation in draw_presentations(rows, seed=seed, epoch=1):
        subject = next(int(rows[m][row]) for m, row in enumerate(presentation) if row != ABSENT)
        for m, row in enumerate(presentation):
            assert (row == ABSENT) == (subject not in rows[m])


def test_epoch_is_a_function_of_seed_and_epoch_alone():
    rows = [np.arange(40) % 8, np.arange(16) % 8]
    first = draw_presentations(rows, seed=3, epoch=2)
    np.testing.assert_array_equal(first, draw_presentations(rows, seed=3, epoch=2))
    assert not np.array_equal(first, draw_presentations(rows, seed=3, epoch=3))
    assert not np.array_equal(first, draw_presentations(rows, seed=4, epoch=2))


@given(st.integers(0, 200), st.integers(1, 50))
def test_batches_hold_everything_in_order_and_are_nearly_equal(n, batch_size):
    presentations = np.arange(n).reshape(n, 1)
    batches = cut_batches(presentations, batch_size)
    sizes = [len(batch) for batch in batches]
    assert max(sizes, default=0) <= batch_size
    assert max(sizes, default=0) - min(sizes, default=0) <= 1
    assert [int(x) for batch in batches for x in batch[:, 0]] == list(range(n))
