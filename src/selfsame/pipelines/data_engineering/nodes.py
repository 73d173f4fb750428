"""The steps of data engineering: scan, sift, split, summarise."""

import pandas as pd

from selfsame.pipelines.data_engineering.params import ClosedSet, DataEngineering
from selfsame.sources.layouts import choose_layout
from selfsame.sources.source import CaptureSource
from selfsame.sources.summary import Summary, summarise
from selfsame.sources.tables import DISTINCT, select_columns


def scan_captures(
    captures: CaptureSource, layout: str, settings: DataEngineering
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examine every file of a source.

    Returns:
        The candidates, and the files that are no usable image with their reasons.
    """
    from selfsame.sources.scanning import scan

    files = list(captures.files())
    chosen = choose_layout(settings.compile_layouts(), layout, (file.path for file in files))
    return scan(captures, files, chosen, settings.limits(), settings.workers)


def sift_captures(candidates: pd.DataFrame, refused: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Refuse duplicates and number the captures.

    Returns:
        The captures, and all files that were not taken with their reasons.
    """
    from selfsame.sources.captures import sift

    return sift(candidates, refused)


def split_captures(
    distinct: pd.DataFrame, rejected: pd.DataFrame, settings: DataEngineering, seed: int
) -> pd.DataFrame:
    """Give every capture its role and split by the protocol: the manifest."""
    from selfsame.sources.captures import require_captures
    from selfsame.sources.splits import split_closed_set, split_subject_disjoint

    require_captures(distinct, rejected)
    captures = select_columns(distinct, DISTINCT)
    protocol = settings.protocol
    references = protocol.reference_captures.to_domain()
    if isinstance(protocol, ClosedSet):
        return split_closed_set(captures, references, protocol.validation_share, seed)
    return split_subject_disjoint(captures, references, protocol.validation_share, protocol.test_share, seed)


def summarise_captures(manifest: pd.DataFrame, rejected: pd.DataFrame) -> Summary:
    """Count what was found, taken and refused."""
    return summarise(manifest, rejected)
