"""What runs leave in two data roots: what differs, and what is temporary."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

VERSIONED = ("checkpoint", "last_checkpoint")
LOGS = ("training", "runs")
"""Folders named after times and processes: the workspace of training, and the records of runs."""

TIMED = {"timings.json", "training_summary.json", "history.parquet", "estimators.parquet", "estimators.json"}
TIMES = {"seconds", "images_per_second"}
TIMED_PAGE, TIMED_CELL = "estimators.html", re.compile(rb'<td class="number">\d+\.\d</td></tr>')
"""The page whose tables state seconds, and how: the last cell of a row, with one decimal."""

TEMPORARY = {".part", ".partial", ".tmp"}
LOCK = ".run.lock"
KEPT = {".selfsame-sample", LOCK}
"""Hidden files that stay: the mark of a sample, and what runs lock (removing it would let two runs in)."""


def find_temporary(root: Path) -> list[str]:
    """Name the files and folders that only a run at work may have: hidden ones and partial ones."""
    names = (path.relative_to(root) for path in sorted(root.rglob("*")) if path.name not in KEPT)
    return [str(path) for path in names if path.name.startswith(".") or path.suffix in TEMPORARY]


def compare(expected: Path, found: Path) -> Iterator[str]:
    """Say what differs between the results in two data roots, and what temporary files the second holds."""
    yield from (f"left behind: {name}" for name in find_temporary(found))
    left, right = (list_results(root) for root in (expected, found))
    yield from (f"missing: {name}" for name in sorted(left.keys() - right.keys()))
    yield from (f"not expected: {name}" for name in sorted(right.keys() - left.keys()))
    for name in sorted(left.keys() & right.keys()):
        if read_result(left[name]) != read_result(right[name]):
            yield f"differs: {name}"


def list_results(root: Path) -> dict[str, Path]:
    """List the results below a data root by name; of versions, the latest."""
    results = {}
    for path in sorted(path for path in root.rglob("*") if path.is_file()):
        parts = list(path.relative_to(root).parts)
        if any(folder in parts for folder in LOGS):
            continue
        if parts[0] == "06_models" and any(folder in parts for folder in VERSIONED):
            parts[3] = "VERSION"
        results["/".join(parts)] = path
    return results


def read_result(path: Path) -> object:
    """Read what has to be equal: all bytes, or all values but the times; of a digest, whether it is right."""
    if path.suffix == ".sha256":
        return path.read_text().split()[0] == hashlib.sha256(path.with_suffix("").read_bytes()).hexdigest()
    if path.suffix == ".json" and (path.name in TIMED or path.parent.name == "arrays"):
        content = json.loads(path.read_bytes())
        return without_times(content.get("record", content))
    if path.name == TIMED_PAGE:
        return TIMED_CELL.sub(b"", path.read_bytes())
    if path.name in TIMED:
        return pd.read_parquet(path).drop(columns=list(TIMES), errors="ignore").to_json(double_precision=15)
    return path.read_bytes()


def without_times(content: object) -> object:
    if isinstance(content, list):
        return [without_times(one) for one in content]
    if not isinstance(content, dict):
        return content
    return {name: without_times(value) for name, value in content.items() if name not in TIMES}
