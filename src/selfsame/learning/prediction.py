"""Recognition of new captures: embed them, compare them with everyone enrolled, answer or say `unknown`."""

from collections.abc import Iterable, Mapping

import pandas as pd

from selfsame.errors import MismatchError
from selfsame.imaging.arrays import ShardedArrays
from selfsame.learning.checkpoint import Checkpoint
from selfsame.learning.device import Device
from selfsame.learning.embedding import embed_captures
from selfsame.matching.prediction import predict
from selfsame.matching.templates import Templates, join_templates

COLUMNS: Mapping[str, str] = {
    "presentation": "str",
    "status": "str",
    "identity": "str",
    "score": "float64",
    "threshold": "float64",
    "candidates": "object",
    "candidate_scores": "object",
    "modalities": "str",
    "captures": "object",
    "reason": "str",
    "model_version": "str",
}
"""The predictions: a row for each presentation (`identified`, `unknown`, `failed`) and for each other file
(`enrolled`: it is a reference itself; `rejected`)."""


def predict_captures(
    checkpoint: Checkpoint,
    arrays: Mapping[str, ShardedArrays],
    indexes: Mapping[str, pd.DataFrame],
    *,
    enrolled: pd.DataFrame,
    thresholds: Mapping[str, float],
    paths: "pd.Series[str]",
    rejected: pd.DataFrame,
    batch_size: int,
    device: Device,
    count: int,
) -> pd.DataFrame:
    """Answer who each presentation of new captures shows.

    Args:
        checkpoint: the trained recogniser.
        arrays: the normalised new captures of each modality.
        indexes: their indexes; a modality without captures has none.
        enrolled: embeddings of the enrolled captures (rows whose role is `reference`), by the same model.
        thresholds: for each set of modalities (`subset_key`) the score from which a candidate is accepted,
            chosen for the same model.
        paths: the path of each new capture, by capture_id; of other modalities, too.
        rejected: files that were not taken: `path`, `reason`, `detail`.
        batch_size: captures a pass; the answers do not depend on it.
        device: `cpu`, `cuda` or `auto`.
        count: how many candidates to list.

    Returns:
        A table of COLUMNS: a row for each presentation, then one for each file that is not presented, because
        it is enrolled itself or was rejected.

    Raises:
        MismatchError: the embeddings are of another model.
    """
    require_same_model(checkpoint, "the enrolled embeddings", enrolled["model_version"])
    references = enrolled[enrolled["role"] == "reference"]
    fresh = {m: index[~index["capture_id"].isin(references["capture_id"])] for m, index in indexes.items()}
    shown = {modality: index for modality, index in fresh.items() if len(index)}
    probes = {
        modality: _embed(checkpoint, modality, arrays[modality], index, batch_size, device)
        for modality, index in shown.items()
    }
    answers = predict(
        probes,
        {modality: _enrol(references, modality) for modality in probes},
        weights=checkpoint.fusion_weights,
        thresholds=thresholds,
        count=count,
    )
    table = pd.concat(
        [
            _name_captures(answers, shown, paths),
            _set_aside(_list_enrolled(paths, references), "enrolled"),
            _set_aside(_list_others(paths, indexes, checkpoint.modalities), "rejected"),
            _set_aside(rejected, "rejected"),
        ],
        ignore_index=True,
    )
    return table.assign(model_version=checkpoint.version).reindex(columns=list(COLUMNS)).astype(dict(COLUMNS))


def require_same_model(checkpoint: Checkpoint, what: str, versions: Iterable[str]) -> None:
    """Refuse embeddings or thresholds that another model made: their scores would mean nothing.

    Args:
        checkpoint: the model at hand.
        what: names what was made.
        versions: of the models that made it.

    Raises:
        MismatchError: names what is of another model.
    """
    others = set(versions) - {checkpoint.version}
    if others:
        raise MismatchError(
            f"expected {what} of model {checkpoint.version}, got those of {', '.join(sorted(others))}: "
            "run evaluation again with this checkpoint"
        )


def summarise_predictions(predictions: pd.DataFrame) -> dict[str, object]:
    """Count the answers by status, and name the model."""
    counts = predictions["status"].value_counts()
    return {
        "rows": len(predictions),
        "by_status": {status: int(counts[status]) for status in sorted(counts.index)},
        "model_version": str(predictions["model_version"].iloc[0]) if len(predictions) else None,
    }


def _embed(
    checkpoint: Checkpoint,
    modality: str,
    arrays: ShardedArrays,
    index: pd.DataFrame,
    batch_size: int,
    device: Device,
) -> Templates:
    embeddings = embed_captures(checkpoint, modality, arrays, index, batch_size=batch_size, device=device)
    return join_templates(index, embeddings)


def _enrol(references: pd.DataFrame, modality: str) -> Templates:
    rows = references[references["modality"] == modality]
    return join_templates(rows.drop(columns="embedding").assign(status="ok"), rows)


def _name_captures(
    answers: pd.DataFrame, indexes: Mapping[str, pd.DataFrame], paths: "pd.Series[str]"
) -> pd.DataFrame:
    """Show captures by their paths, and why any of them could not be acquired."""
    if answers.empty:
        return answers
    index = pd.concat([table[["capture_id", "status", "reason"]] for table in indexes.values()])
    failed = index[index["status"] == "failed"].set_index("capture_id")["reason"]
    why = [
        "; ".join(f"{paths[name]}: {failed[name]}" for name in names if name in failed.index)
        for names in answers["captures"]
    ]
    named = answers.copy()
    named["reason"] = [part or given for part, given in zip(why, answers["reason"], strict=True)]
    named["captures"] = pd.Series(
        [[paths[name] for name in names] for names in answers["captures"]], dtype=object
    )
    return named


def _list_others(
    paths: "pd.Series[str]", indexes: Mapping[str, pd.DataFrame], modalities: tuple[str, ...]
) -> pd.DataFrame:
    """List the captures of modalities that the model was not made for, in the form of rejected files."""
    seen = {name for index in indexes.values() for name in index["capture_id"]}
    others = [path for name, path in paths.items() if name not in seen]
    detail = f"expected one of the modalities that the model knows: {', '.join(modalities)}"
    return pd.DataFrame({"path": others, "reason": "other_modality", "detail": detail}, dtype="str")


def _list_enrolled(paths: "pd.Series[str]", references: pd.DataFrame) -> pd.DataFrame:
    """List the captures that are references themselves: compared with themselves, they would say nothing."""
    owner = references.drop_duplicates("capture_id").set_index("capture_id")["subject_id"]
    known = [name for name in paths.index if name in owner.index]
    return pd.DataFrame(
        {
            "path": [paths[name] for name in known],
            "reason": "enrolled",
            "detail": [f"this capture is a reference of subject {owner[name]}" for name in known],
        },
        dtype="str",
    )


def _set_aside(files: pd.DataFrame, status: str) -> pd.DataFrame:
    """Give a row to each file that is not presented: `path`, `reason`, `detail`."""
    return pd.DataFrame(
        {
            "presentation": files["path"],
            "status": status,
            "captures": [[path] for path in files["path"]],
            "candidates": [[] for _ in files["path"]],
            "candidate_scores": [[] for _ in files["path"]],
            "modalities": "",
            "reason": files["reason"] + ": " + files["detail"],
        }
    )
