"""Captures on one side of a comparison, and the table that keeps the templates of every comparator."""

import json
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.errors import DamagedError

KEY = ["subject_id", "modality", "instance", "capture_index", "impression"]

ANY = ""
"""The protocol of templates that no training made: they serve every protocol and fold."""

ANY_FOLD = -1

TEMPLATE_COLUMNS = [
    "comparator",
    "version",
    "settings",
    "protocol",
    "fold",
    "capture_id",
    *KEY,
    "role",
    "template",
]


@dataclass(frozen=True)
class Captures:
    """The captures of one modality on one side of a comparison.

    Attributes:
        names: (n,) capture_id, or capture_id/impression for a synthetic impression.
        subjects: (n,) subject_id.
        instances: (n,) instance, such as `left` or `right_thumb`.
    """

    names: NDArray[np.str_]
    subjects: NDArray[np.str_]
    instances: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.names)


def list_captures(rows: pd.DataFrame) -> Captures:
    """List the rows of an index or a template table in the order (subject, instance, capture, impression)."""
    table = rows.sort_values(KEY, kind="stable")
    return Captures(
        names=name_captures(table),
        subjects=table["subject_id"].to_numpy(dtype=str),
        instances=table["instance"].to_numpy(dtype=str),
    )


def place_captures(captures: Captures, table: pd.DataFrame) -> NDArray[np.int64]:
    """Find the row of each capture in a table of the same modality: (n,) positions, -1 where it has none."""
    rows = {name: row for row, name in enumerate(name_captures(table).tolist())}
    return np.array([rows.get(name, -1) for name in captures.names.tolist()], dtype=np.int64)


def name_captures(table: pd.DataFrame) -> NDArray[np.str_]:
    """Name each row: its capture_id, and behind a slash the number of a synthetic impression."""
    captures = table["capture_id"].astype(str)
    numbered = captures + "/" + table["impression"].astype(str)
    return captures.where(table["impression"] == 0, numbered).to_numpy(dtype=str)


def tabulate_templates(
    rows: pd.DataFrame,
    templates: NDArray[np.generic],
    *,
    comparator: str,
    version: str,
    settings: str,
    protocol: str = ANY,
    fold: int = ANY_FOLD,
) -> pd.DataFrame:
    """Keep templates as a table, one row a capture; `template` is a NumPy array of one type and shape.

    Args:
        rows: n rows of an index.
        templates: (n, ...) what the comparator made of them.
        comparator: its name.
        version: digest of what made the templates; only templates of one version can be compared.
        settings: of the comparator, as JSON.
        protocol: under which the comparator was trained; ANY where it needs no training.
        fold: of that protocol; ANY_FOLD where it needs no training.
    """
    kept = rows[[column for column in ("capture_id", *KEY, "role") if column in rows.columns]]
    made = kept.assign(comparator=comparator, version=version, settings=settings)
    made = made.assign(protocol=protocol, fold=np.int32(fold))
    return made.assign(template=[pack_template(template) for template in templates])


def pack_template(template: NDArray[np.generic]) -> bytes:
    """Write one template as bytes that say their own type and shape."""
    head = json.dumps([template.dtype.str, list(template.shape)]).encode("ascii")
    return head + b"\n" + np.ascontiguousarray(template).tobytes()


def unpack_templates(packed: "pd.Series[bytes]") -> NDArray[np.generic]:
    """Read templates of one type and shape: (n, ...).

    Raises:
        DamagedError: they are not what `pack_template` writes, or not all of one type and shape.
    """
    try:
        heads, bodies = zip(*(one.partition(b"\n")[::2] for one in packed), strict=True)
        (head,) = set(heads)
        dtype, shape = json.loads(head)
        return np.frombuffer(b"".join(bodies), dtype=np.dtype(dtype)).reshape(len(bodies), *shape)
    except (ValueError, TypeError) as error:
        raise DamagedError(
            f"expected {len(packed)} templates of one type and shape, got others ({error}): "
            "run evaluation again"
        ) from error
