"""The steps of data engineering: scan, sift, split, summarise."""

import pandas as pd

from selfsame.pipelines.data_engineering.params import DataEngineering, Layouts
from selfsame.sources.layouts import choose_layout
from selfsame.sources.source import CaptureSource
from selfsame.sources.summary import Summary, summarise
from selfsame.sources.tables import DISTINCT, select_columns


def scan_captures(
    captures: CaptureSource, layout: str, layouts: Layouts, settings: DataEngineering
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Examine every file of a source.

    Returns:
        The candidates, and the files that are no usable image with their reasons.
    """
    from selfsame.sources.scanning import scan

    files = list(captures.files())
    chosen = choose_layout(layouts.compile(), layout, (file.path for file in files))
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
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give every capture its role and split under every protocol.

    Returns:
        The manifest, which shows fold 0 of the protocol of the parameters, and the assignments of all
        protocols and folds.
    """
    from selfsame.protocols.assignment import apply_fold, assign_captures
    from selfsame.sources.captures import require_captures

    require_captures(distinct, rejected)
    captures = select_columns(distinct, DISTINCT)
    assignments = assign_captures(captures, settings.protocol.to_rules(), seed)
    return apply_fold(captures, assignments, settings.protocol.kind, 0), assignments


def summarise_captures(manifest: pd.DataFrame, rejected: pd.DataFrame) -> Summary:
    """Count what was found, taken and refused."""
    return summarise(manifest, rejected)
