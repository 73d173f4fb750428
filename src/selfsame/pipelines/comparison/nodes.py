"""The nodes that make templates of captures by every comparator of a modality, and compare their pairs."""

import logging
from collections.abc import Mapping

import pandas as pd

from selfsame.pipelines.comparison.params import ComparisonParams
from selfsame.shards.arrays import ShardedArrays

logger = logging.getLogger(__name__)


def fit_comparators(
    parameters: ComparisonParams, arrays: ShardedArrays, index: pd.DataFrame, assignments: pd.DataFrame
) -> pd.DataFrame:
    """Fit the comparators that learn from images, such as eigenfaces, on the training captures of every fold.

    Returns:
        One row a comparator that needs it, protocol and fold: what it learnt.
    """
    from selfsame.matching.encoding import fit_all

    return fit_all(parameters.comparators, arrays, index, assignments)


def encode_captures(
    parameters: ComparisonParams, fitted: pd.DataFrame, arrays: ShardedArrays, index: pd.DataFrame
) -> pd.DataFrame:
    """Make a template of every acquired capture by every comparator."""
    from selfsame.matching.encoding import encode_all

    return encode_all(
        parameters.comparators,
        fitted,
        arrays,
        index,
        batch_size=parameters.batch_size,
        workers=parameters.workers,
    )


def encode_new(
    parameters: ComparisonParams,
    fitted: pd.DataFrame,
    operating_points: Mapping[str, object],
    arrays: ShardedArrays,
    index: pd.DataFrame,
) -> pd.DataFrame:
    """Make templates of new captures by every comparator, as fitted for the protocol of the thresholds."""
    from selfsame.evaluation.operating_points import read_operating_points
    from selfsame.matching.encoding import encode_all

    protocol = read_operating_points(operating_points).protocol
    return encode_all(
        parameters.comparators,
        fitted[(fitted["protocol"] == protocol) & (fitted["fold"] == 0)],
        arrays,
        index,
        batch_size=parameters.batch_size,
        workers=parameters.workers,
    )


def compare_pairs(parameters: ComparisonParams, templates: pd.DataFrame) -> pd.DataFrame:
    """Compare every pair of captures of the same instance by every comparator, once."""
    from selfsame.matching.encoding import compare_all

    pairs = compare_all(parameters.comparators, templates, workers=parameters.workers)
    for (modality, comparator), rows in pairs.groupby(["modality", "comparator"]):
        logger.info("%s: %d pairs of captures compared by %s", modality, len(rows), comparator)
    return pairs
