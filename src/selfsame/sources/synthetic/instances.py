"""The eyes and fingers of a made-up person, each with a number that never changes."""

from dataclasses import dataclass
from typing import Literal

Finger = Literal[
    "left_thumb",
    "left_index",
    "left_middle",
    "left_ring",
    "left_little",
    "right_thumb",
    "right_index",
    "right_middle",
    "right_ring",
    "right_little",
]

FINGER_KEYS: dict[Finger, int] = {
    "left_thumb": 10,
    "left_index": 11,
    "left_middle": 12,
    "left_ring": 13,
    "left_little": 14,
    "right_thumb": 15,
    "right_index": 16,
    "right_middle": 17,
    "right_ring": 18,
    "right_little": 19,
}
"""Part of the seed of a finger: changing a number changes every capture of that finger."""


@dataclass(frozen=True)
class Instance:
    """One eye or finger.

    Attributes:
        modality: such as `iris_left`.
        name: `left`, `right`, or the finger, such as `right_index`.
        key: its stable number, part of the seed.
        prefix: what comes before the capture's number in a file's name.
    """

    modality: str
    name: str
    key: int
    prefix: str = ""


EYES = (Instance("iris_left", "left", 0), Instance("iris_right", "right", 1))


def finger(name: Finger) -> Instance:
    """Name a finger as an instance."""
    return Instance("fingerprint", name, FINGER_KEYS[name], f"{name}_")
