"""The steps of inference: list new captures, embed them, compare them with everyone enrolled."""

from collections.abc import Mapping

import pandas as pd

from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.modalities import sort_by_modality
from selfsame.pipelines.inference.params import InferenceParameters


def list_new_captures(distinct: pd.DataFrame, rejected: pd.DataFrame) -> pd.DataFrame:
    """Make the manifest of captures that are only to be recognised: each is a probe, none is enrolled."""
    from selfsame.sources.captures import require_captures
    from selfsame.sources.splits import split_unenrolled

    require_captures(distinct, rejected)
    return split_unenrolled(distinct)


def predict_identities(
    parameters: InferenceParameters,
    checkpoint: Checkpoint,
    embeddings: pd.DataFrame,
    operating_points: Mapping[str, Mapping[str, object]],
    manifest: pd.DataFrame,
    rejected: pd.DataFrame,
    *captures: ShardedArrays | pd.DataFrame,
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Answer who each presentation shows, if anyone enrolled.

    Args:
        parameters: batch size, device, number of candidates.
        checkpoint: the trained recogniser.
        embeddings: of the captures that the evaluation embedded; its references are who is enrolled.
        operating_points: the thresholds that the evaluation chose, and for which model.
        manifest: the new captures.
        rejected: the files that were not taken, with their reasons.
        captures: for each modality of the checkpoint the arrays of the new captures, and after all of them
            each one's index.

    Returns:
        The predictions, one row a presentation and one a rejected file, and their summary.
    """
    from selfsame.learning.prediction import predict_captures, require_same_model, summarise_predictions
    from selfsame.reporting.results import read_operating_points

    arrays, indexes = sort_by_modality(captures)
    points = read_operating_points(operating_points)
    require_same_model(checkpoint, "the operating points", [point.model_version for point in points.values()])
    predictions = predict_captures(
        checkpoint,
        arrays,
        indexes,
        enrolled=embeddings,
        thresholds={name: point.threshold for name, point in points.items()},
        paths=manifest.set_index("capture_id")["path"],
        rejected=rejected,
        batch_size=parameters.batch_size,
        device=parameters.device,
        count=parameters.candidates,
    )
    return predictions, summarise_predictions(predictions)
