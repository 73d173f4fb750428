"""Scanning: every file of a source becomes one row, of a candidate or of a file that was refused and why."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict

import pandas as pd

from selfsame.errors import CaptureError, SourceLostError
from selfsame.imaging.decoding import Decoded, decode
from selfsame.imaging.resolution import read_resolution
from selfsame.parallel.progress import follow
from selfsame.shards.checksums import checksum
from selfsame.sources.layouts import Layout, Place
from selfsame.sources.limits import Limits
from selfsame.sources.measures import measure_quality
from selfsame.sources.source import CaptureSource, RawFile
from selfsame.sources.tables import CANDIDATES, REJECTED, GrowingTable

logger = logging.getLogger(__name__)

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar", ".zst")

_PROBLEMS = {
    "link_outside_root": "the link leaves the root of the captures: copy the file below the root",
    "path_outside_root": "the path leaves the root of the captures: rename the file",
    "link_to_folder": "links to folders are not followed: copy the folder below the root",
    "bad_name": "the file's name is not Unicode: rename it",
    "unreadable": "the file could not be opened (a broken link, a special file or no permission)",
}

Row = dict[str, object]


def scan(
    source: CaptureSource, files: Sequence[RawFile], layout: Layout, limits: Limits, workers: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examine every file once, in `workers` threads.

    Returns:
        The candidates (columns `CANDIDATES`) and the refused files (columns `REJECTED`), each in the order of
        the files; together they have one row a file.
    """
    candidates, refused = GrowingTable(CANDIDATES), GrowingTable(REJECTED)
    for row in follow(_examine_all(source, files, layout, limits, workers), "scan", len(files), "file"):
        (refused if "reason" in row else candidates).add(row)
    found = candidates.finish()
    logger.info("scanned %d files of %s: %d images", len(files), source.root, len(found))
    return found, refused.finish()


def examine(source: CaptureSource, file: RawFile, layout: Layout, limits: Limits) -> Row:
    """Read, decode and measure one file; the row has a `reason` where it was refused.

    Raises:
        SourceLostError: no file can be read any more.
    """
    try:
        data = _read(source, file, limits)
        decoded = decode(data, max_pixels=limits.max_pixels)
        _require_size(decoded, limits)
        return _describe(file, data, decoded, _read_place(file, layout))
    except CaptureError as error:
        reason, detail = error.reason, error.detail
    except SourceLostError:
        raise
    except Exception as error:  # one file must not cost the scan of all others
        reason, detail = "unexpected", f"{type(error).__name__}: {' '.join(str(error).split())}"
    return {"path": file.path, "bytes": file.size, "reason": reason, "detail": detail}


def _read_place(file: RawFile, layout: Layout) -> Place:
    place = layout.read(file.path)
    if place is None:
        raise CaptureError(
            "unmatched_name",
            f"no pattern of layout {layout.name} reads this path: rename the file, choose another layout "
            "with --params=layout=NAME, or add a pattern (docs/layouts.md)",
        )
    return place


def _read(source: CaptureSource, file: RawFile, limits: Limits) -> bytes:
    if file.problem:
        raise CaptureError(file.problem, _PROBLEMS.get(file.problem, "the file must not be read"))
    if file.path.lower().endswith(ARCHIVE_SUFFIXES):
        raise CaptureError("archive", "archives are not opened: unpack it beside the other captures")
    _require_bytes(file.size, limits)
    try:
        # Stores may list no size, and files grow: a file is never read much beyond the limit.
        data = source.read(file.path, at_most=limits.max_bytes + 1)
    except OSError as error:
        raise CaptureError(
            "unreadable", f"reading failed: {error.strerror or type(error).__name__}"
        ) from error
    _require_bytes(len(data), limits)
    return data


def _require_bytes(size: int, limits: Limits) -> None:
    if size > limits.max_bytes:
        raise CaptureError("too_large", f"expected at most {limits.max_bytes} bytes, the file has more")


def _require_size(decoded: Decoded, limits: Limits) -> None:
    height, width = decoded.grey.shape
    if min(height, width) < limits.min_side_px:
        raise CaptureError(
            "too_small", f"expected sides of at least {limits.min_side_px} px, got {width}x{height}"
        )


def _describe(file: RawFile, data: bytes, decoded: Decoded, place: Place) -> Row:
    digest = hashlib.sha256(data).hexdigest()
    height, width = decoded.grey.shape
    known = asdict(place)
    return {
        "capture_id": digest[:24],
        "subject_id": known.pop("subject"),
        "capture_index": known.pop("capture"),
        **known,
        "path": file.path,
        "sha256": digest,
        "xxh128": checksum(data),
        "format": decoded.format,
        "width": width,
        "height": height,
        "bytes": len(data),
        "resolution_dpi": read_resolution(data),
        **measure_quality(decoded.grey, place.modality),
    }


def _examine_all(
    source: CaptureSource, files: Sequence[RawFile], layout: Layout, limits: Limits, workers: int
) -> Iterator[Row]:
    if workers == 1:
        return (examine(source, file, layout, limits) for file in files)
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=workers, backend="threading", return_as="generator", pre_dispatch="4*n_jobs")
    rows: Iterator[Row] = pool(delayed(examine)(source, file, layout, limits) for file in files)
    return rows
