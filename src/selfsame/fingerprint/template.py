"""The template of a print: its minutiae and their cylinders in a row of bytes of fixed length."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.errors import MismatchError
from selfsame.fingerprint.comparison_settings import PrintComparison
from selfsame.fingerprint.cylinders import Cylinders, list_places
from selfsame.fingerprint.minutiae import Minutiae
from selfsame.fingerprint.phase_map import PhaseMap, shape_phases, shape_points

FloatArray = NDArray[np.float32]

FULL = 255.0
"""A full cell in the bytes of a template."""


@dataclass(frozen=True)
class Templates:
    """Some templates, unpacked: m is the largest number of minutiae among them.

    Attributes:
        count: (n,) int64 minutiae of each.
        place: (n, m) complex64 x + iy, px at 500 dpi.
        direction: (n, m) complex64 exp(i direction).
        usable: (n, m) bool: the minutia has a cylinder.
        cells: (n, m, places * sections) float32, 0..1.
        valid: (n, m, places) float32, 0 or 1.
        power: (n, m, places) float32 sum of the squared cells over the sections.
        phases: the ridges, (n, ...) each.
    """

    count: NDArray[np.int64]
    place: NDArray[np.complex64]
    direction: NDArray[np.complex64]
    usable: NDArray[np.bool_]
    cells: FloatArray
    valid: FloatArray
    power: FloatArray
    phases: PhaseMap


def describe_layout(settings: PrintComparison) -> np.dtype[np.void]:
    """Describe the fields of one template; unused minutiae are zero."""
    most, places = settings.minutiae.most, len(list_places(settings.cylinders))
    return np.dtype(
        [
            ("count", "<u4"),
            ("place", "<f4", (most, 2)),
            ("direction_rad", "<f4", (most,)),
            ("quality", "<f4", (most,)),
            ("ending", "u1", (most,)),
            ("usable", "u1", (most,)),
            ("cells", "u1", (most, places * settings.cylinders.sections)),
            ("valid", "u1", (most, places)),
            ("phase", "u1", shape_phases(settings.phase)),
            ("normal", "u1", shape_points(settings.phase)),
            ("inside", "u1", shape_points(settings.phase)),
        ]
    )


def pack(
    found: Minutiae, cylinders: Cylinders, phases: PhaseMap, settings: PrintComparison
) -> NDArray[np.uint8]:
    """Pack one print into the bytes of a template."""
    row = np.zeros(1, describe_layout(settings))
    count = found.x.size
    row["count"] = count
    row["place"][0, :count] = np.stack([found.x, found.y], axis=1)
    row["direction_rad"][0, :count] = found.direction_rad
    row["quality"][0, :count] = found.quality
    row["ending"][0, :count] = found.ending
    row["usable"][0, :count] = cylinders.usable
    row["cells"][0, :count] = np.rint(cylinders.cells * FULL).reshape(count, row["cells"].shape[2])
    row["valid"][0, :count] = cylinders.valid
    row["phase"], row["normal"], row["inside"] = phases.phase, phases.normal, phases.inside
    return row.view(np.uint8)


def unpack(rows: NDArray[np.uint8], settings: PrintComparison) -> Templates:
    """Unpack templates.

    Args:
        rows: (n, bytes) uint8.
        settings: those that the templates were made with.

    Raises:
        MismatchError: the templates were made with other settings.
    """
    layout = describe_layout(settings)
    if rows.ndim != 2 or rows.dtype != np.uint8 or rows.shape[1] != layout.itemsize:
        raise MismatchError(
            f"expected templates of {layout.itemsize} bytes, got {rows.dtype} {rows.shape}: encode the "
            "prints again with the settings that compare them"
        )
    fields = np.ascontiguousarray(rows).view(layout)[:, 0]
    count = fields["count"].astype(np.int64)
    most = max(int(count.max(initial=0)), 1)
    place = fields["place"][:, :most]
    cells = fields["cells"][:, :most] * np.float32(1 / FULL)
    sections = settings.cylinders.sections
    return Templates(
        count=count,
        place=(place[..., 0] + 1j * place[..., 1]).astype(np.complex64),
        direction=np.exp(1j * fields["direction_rad"][:, :most]).astype(np.complex64),
        usable=fields["usable"][:, :most] > 0,
        cells=cells,
        valid=fields["valid"][:, :most].astype(np.float32),
        power=np.square(cells).reshape(*cells.shape[:2], -1, sections).sum(axis=3),
        phases=PhaseMap(fields["phase"], fields["normal"], fields["inside"]),
    )
