"""Memory in large pages, which a processor finds its way in faster where rows are read in a random order."""

import contextlib
import math
import mmap

import numpy as np
from numpy.typing import NDArray

PAGE = 4096
LARGE_PAGE = 2**21
"""Bytes of a usual and of a large page on common processors."""


def allocate_pixels(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Allocate memory that begins on a page, and if it is much lies in large pages where the kernel has some.

    Linux gives them to whom asks (`madvise`) or to everybody, unless they are switched off in
    /sys/kernel/mm/transparent_hugepage/enabled; other systems do as they like.

    Returns:
        Zeros of that shape, uint8. Memory is taken page by page where something is written.
    """
    count = math.prod(shape)
    if count < LARGE_PAGE:
        usual = np.zeros(count + PAGE, dtype=np.uint8)
        first = -usual.ctypes.data % PAGE
        return usual[first : first + count].reshape(shape)
    memory = mmap.mmap(-1, count + LARGE_PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(AttributeError, OSError):  # a system or a kernel without large pages
        memory.madvise(mmap.MADV_HUGEPAGE)
    pixels = np.frombuffer(memory, dtype=np.uint8)
    first = -pixels.ctypes.data % LARGE_PAGE
    return pixels[first : first + count].reshape(shape)
