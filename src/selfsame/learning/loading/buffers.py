"""Memory for one batch, filled again and again."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PAGE = 4096
"""Bytes of a page on common processors."""


class Lent(NamedTuple):
    """Memory for the images of one batch, viewed in two ways.

    Attributes:
        images: one tensor a modality, (batch, 2, height, width) uint8.
        rows: likewise, (batch, bytes a row) uint8, to write to.
    """

    images: tuple[Tensor, ...]
    rows: tuple[NDArray[np.uint8], ...]


class Buffers:
    """Memory for one batch, grown to the largest batch seen; every modality begins on a page.

    Rows of shards are often whole pages apart. A processor compares only the last 12 bits of the addresses of
    a load and of the stores before it (4K aliasing). So where a row is copied to some bytes further in a page
    than it comes from, as happens with usual memory, loads wait for stores, and it takes 1.7 times as long.

    Args:
        shapes: of one row of each modality.
        pin: whether the memory is page-locked, for copies to a CUDA device that do not wait.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], pin: bool) -> None:
        self._shapes = tuple(shapes)
        self._pin = pin
        self._images = tuple(torch.empty((0, *shape), dtype=torch.uint8) for shape in shapes)
        self._size = 0
        self._lent: dict[int, Lent] = {}
        self._used = torch.cuda.Event() if pin else None

    def lend(self, count: int) -> Lent:
        """Lend memory for a number of presentations; `wait` before it is written."""
        if count > self._size:
            self._images, self._size = self._grow(count), count
            self._lent.clear()
        if count not in self._lent:
            images = tuple(one[:count] for one in self._images)
            rows = tuple(one.numpy().reshape(count, math.prod(one.shape[1:])) for one in images)
            self._lent[count] = Lent(images, rows)
        return self._lent[count]

    def wait(self) -> None:
        """Wait until the device has finished with what the memory held."""
        if self._used is not None:
            self._used.synchronize()

    def hold(self, values: NDArray[np.bool_] | NDArray[np.int64]) -> Tensor:
        """Make a small array a tensor, page-locked where the images are."""
        tensor = torch.from_numpy(values)
        return tensor.pin_memory() if self._pin else tensor

    def release(self) -> None:
        """Mark the point in the device's work after which the memory may be overwritten."""
        if self._used is not None:
            self._used.record()

    def _grow(self, count: int) -> tuple[Tensor, ...]:
        shapes = [(count, *shape) for shape in self._shapes]
        if self._pin:
            return tuple(torch.empty(shape, dtype=torch.uint8, pin_memory=True) for shape in shapes)
        sizes = [math.prod(shape) for shape in shapes]
        ends = np.cumsum([-(-size // PAGE) * PAGE for size in sizes]).tolist()
        pixels = torch.from_numpy(_allocate_on_page(ends[-1]))
        return tuple(
            pixels[first : first + size].view(shape)
            for first, size, shape in zip([0, *ends[:-1]], sizes, shapes, strict=True)
        )


def _allocate_on_page(count: int) -> NDArray[np.uint8]:
    """Allocate so many bytes that begin on a page."""
    memory = np.empty(count + PAGE, dtype=np.uint8)
    first = -memory.ctypes.data % PAGE
    return memory[first : first + count]
