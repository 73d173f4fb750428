"""Memory for batches: what is lent, and that it stays the same memory."""

import pytest
import torch

from selfsame.learning.loading.buffers import PAGE, Buffers


@pytest.mark.parametrize("count", [1, 5, 40])
def test_rows_and_images_are_the_same_memory(count):
    lent = Buffers([(2, 4, 6), (2, 3, 3)], pin=False).lend(count)
    assert [images.shape for images in lent.images] == [(count, 2, 4, 6), (count, 2, 3, 3)]
    assert [rows.shape for rows in lent.rows] == [(count, 48), (count, 18)]
    for images, rows in zip(lent.images, lent.rows, strict=True):
        rows[:] = 7
        assert images.is_contiguous()
        assert (images == 7).all()


def test_modalities_do_not_overlap():
    lent = Buffers([(2, 3, 3), (2, 5, 5)], pin=False).lend(3)
    lent.rows[0][:] = 1
    lent.rows[1][:] = 2
    assert (lent.images[0] == 1).all()


def test_every_modality_of_a_large_batch_begins_on_a_page():
    images = Buffers([(2, 99, 99), (2, 48, 256)], pin=False).lend(63).images
    assert [one.data_ptr() % PAGE for one in images] == [0, 0]


def test_a_smaller_batch_gets_the_memory_of_the_larger():
    buffers = Buffers([(2, 4, 6)], pin=False)
    large = buffers.lend(9).images[0]
    assert buffers.lend(4).images[0].data_ptr() == large.data_ptr()
    assert buffers.lend(9).images[0].data_ptr() == large.data_ptr()


def test_a_larger_batch_gets_new_memory_and_what_was_lent_stays():
    buffers = Buffers([(2, 4, 6)], pin=False)
    small = buffers.lend(2)
    small.rows[0][:] = 3
    buffers.lend(5).rows[0][:] = 4
    assert (small.images[0] == 3).all()
    assert buffers.lend(2).images[0].data_ptr() == buffers.lend(5).images[0].data_ptr()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_page_locked_memory_is_lent_where_it_is_asked_for():
    lent = Buffers([(2, 4, 6)], pin=True).lend(5)
    assert lent.images[0].is_pinned()
    lent.rows[0][:] = 7
    assert (lent.images[0] == 7).all()
