"""Progress of long work: a bar on a terminal, a line in the log now and then elsewhere."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

logger = logging.getLogger(__name__)

EVERY_S = 10.0
"""About the time between two lines: a person who waits sees that work goes on, and a log stays short."""

Item = TypeVar("Item")


def follow(items: Iterable[Item], what: str, total: int, unit: str) -> Iterator[Item]:
    """Pass items on as they come, and show how many of `total` there were; nothing is asked for ahead.

    Args:
        items: what is made one by one.
        what: is going on, such as `scan`.
        total: number of items.
        unit: one item in a word, such as `file`.
    """
    from tqdm import tqdm

    terminal = sys.stderr.isatty()
    told = time.monotonic()
    for number, item in enumerate(tqdm(items, what, total, unit=unit, disable=not terminal), start=1):
        if not terminal and number < total and time.monotonic() - told >= EVERY_S:
            logger.info("%s: %d of %d %s", what, number, total, _pluralise(unit))
            told = time.monotonic()
        yield item


def _pluralise(unit: str) -> str:
    return f"{unit}es" if unit.endswith(("ch", "sh", "s", "x")) else f"{unit}s"
