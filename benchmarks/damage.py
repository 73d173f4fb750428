"""Ways to damage stored files and captures, and what the rates of a run then have to show."""

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path


def flip_bit(path: Path, rng: random.Random) -> str:
    """Flip one bit of a file, anywhere; say where."""
    content = bytearray(path.read_bytes())
    place = rng.randrange(len(content))
    content[place] ^= 1 << rng.randrange(8)
    path.write_bytes(content)
    return f"bit flipped at {place}"


def cut(path: Path, rng: random.Random) -> str:
    """Cut a file short, anywhere; say where."""
    content = path.read_bytes()
    kept = rng.randrange(len(content))
    path.write_bytes(content[:kept])
    return f"cut to {kept}"


def truncate_capture(path: Path, rng: random.Random) -> Path:
    content = path.read_bytes()
    path.write_bytes(content[: rng.randrange(len(content) * 3 // 4)])
    return path


def zero_capture(path: Path, rng: random.Random) -> Path:
    path.write_bytes(bytes(path.stat().st_size))
    return path


def spoil_middle(path: Path, rng: random.Random) -> Path:
    content = bytearray(path.read_bytes())
    third = len(content) // 3
    content[third : 2 * third] = rng.randbytes(third)
    path.write_bytes(content)
    return path


def rename_capture(path: Path, rng: random.Random) -> Path:
    return path.rename(path.with_suffix(rng.choice([".zip", ".txt", ".mp3", ".pdf"])))


CORRUPTIONS = {
    "truncated": truncate_capture,
    "zeroed": zero_capture,
    "garbage in the middle": spoil_middle,
    "wrong extension": rename_capture,
}

HARMLESS = {"wrong extension"}
"""Ways that leave the image whole: content decides what a file is, and only archives go by their name."""

UNSEEN_IN_BMP = {"garbage in the middle"}
"""Ways that nothing in a BMP can show: it has no checksum. The rates show what they cost."""


def corrupt_captures(folder: Path, share: float, rng: random.Random) -> dict[str, str]:
    """Corrupt a share of the files of a folder, by turns in each way; give the way of each by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    chosen = rng.sample(files, max(round(share * len(files)), len(CORRUPTIONS)))
    ways = {}
    for number, path in enumerate(chosen):
        way = list(CORRUPTIONS)[number % len(CORRUPTIONS)]
        ways[CORRUPTIONS[way](path, rng).relative_to(folder).as_posix()] = way
    return ways


def is_silent(path: str, way: str) -> bool:
    """Tell whether nothing in the file can show that it was corrupted."""
    return way in HARMLESS or (way in UNSEEN_IN_BMP and path.lower().endswith(".bmp"))


def read_reasons(root: Path) -> dict[str, str]:
    """Give the reason of every file that was rejected, by its path."""
    import pandas as pd

    reasons: dict[str, str] = {}
    for path in root.glob("02_intermediate/*/rejected.parquet"):
        if not path.parent.name.endswith(".new"):
            table = pd.read_parquet(path)
            reasons |= dict(zip(table["path"], table["reason"], strict=True))
    return reasons


def changed_rates(clean: Path, found: Path) -> tuple[int, list[str]]:
    """Compare the equal error rates with those of a clean run: one has to lie in the interval of the other.

    Returns:
        How many were compared, and those that disagree or are missing.
    """
    expected, got = dict(read_rates(clean)), dict(read_rates(found))
    outside = [key for key, one in expected.items() if key not in got or not agree(one, got[key])]
    return len(expected), [f"{key}: {expected[key]} became {got.get(key)}" for key in outside]


def agree(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether either of two (rate, low, high) lies within the interval of the other."""
    return other[1] <= one[0] <= other[2] or one[1] <= other[0] <= one[2]


def read_rates(root: Path) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """Read the equal error rate of each result, with its interval."""
    for path in root.glob("08_reporting/*/metrics.json"):
        for one in json.loads(path.read_text())["outcomes"]:
            measured = one["verification"]
            if measured:
                key = " ".join([one["protocol"], one["figure"], one["comparator"]])
                yield key, (measured["eer"], *measured["eer_interval"])
