"""The steps of inference: list new captures, make their templates, compare them with everyone enrolled."""

from collections.abc import Mapping

import pandas as pd

from selfsame.pipelines.inference.params import InferenceParameters


def list_new_captures(distinct: pd.DataFrame, rejected: pd.DataFrame) -> pd.DataFrame:
    """Make the manifest of captures that are only to be recognised: each is a probe, none is enrolled."""
    from selfsame.protocols.splits import split_unenrolled
    from selfsame.sources.captures import require_captures

    require_captures(distinct, rejected)
    return split_unenrolled(distinct)


def predict_identities(
    parameters: InferenceParameters,
    operating_points: Mapping[str, object],
    manifest: pd.DataFrame,
    rejected: pd.DataFrame,
    *tables: pd.DataFrame,
) -> tuple[pd.DataFrame, dict[str, object]]:
    """Answer who each presentation shows, if anyone enrolled.

    Args:
        parameters: number of candidates, how a gallery is kept and searched.
        operating_points: the comparators, the fusion and the thresholds that the evaluation chose.
        manifest: the new captures.
        rejected: the files that were not taken, with their reasons.
        tables: templates of the enrolled captures, as many tables of templates of the new ones, and the index
            of each modality of the new ones.

    Returns:
        The predictions, one row a presentation and one a rejected file, and their summary.
    """
    from selfsame.evaluation.operating_points import read_operating_points
    from selfsame.matching.identification.answers import answer, summarise_predictions
    from selfsame.matching.trial import indexes_by_modality

    templates = [table for table in tables if "template" in table.columns]
    half = len(templates) // 2
    predictions = answer(
        read_operating_points(operating_points).to_recogniser(),
        enrolled=pd.concat(templates[:half], ignore_index=True),
        fresh=pd.concat(templates[half:], ignore_index=True),
        indexes=indexes_by_modality([table for table in tables if "template" not in table.columns]),
        paths=manifest.set_index("capture_id")["path"],
        rejected=rejected,
        count=parameters.candidates,
        gallery=parameters.gallery,
    )
    return predictions, summarise_predictions(predictions)
