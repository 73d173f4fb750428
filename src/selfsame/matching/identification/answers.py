"""Recognition of new captures: compare them with everyone enrolled, answer or say `unknown`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from selfsame.errors import MismatchError
from selfsame.matching.comparators import COSINE, Compare, read_compare
from selfsame.matching.identification.cosine_search import CosineSearch, rises
from selfsame.matching.identification.gallery_settings import GallerySettings
from selfsame.matching.identification.prediction import ANSWER_COLUMNS, Fuse, Nearest, predict
from selfsame.matching.protocol import ENROLLED
from selfsame.matching.scoring import Score
from selfsame.matching.templates import Captures, list_captures, place_captures, unpack_templates

COLUMNS: Mapping[str, str] = {**ANSWER_COLUMNS, "template_versions": "str"}
"""The predictions: a row for each presentation (`identified`, `unknown`, `failed`) and for each other file
(`enrolled`: it is a reference itself; `rejected`)."""


@dataclass(frozen=True)
class Recogniser:
    """How new captures are compared with those enrolled, and from which score on they are the same.

    Attributes:
        chosen: the comparator of each modality, in the order of the fusion.
        versions: of each modality the version of the templates that the thresholds were chosen for.
        fuse: makes one score of those of the modalities.
        thresholds: for each set of modalities (`subset_key`) the score from which a candidate is accepted.
    """

    chosen: Mapping[str, str]
    versions: Mapping[str, str]
    fuse: Fuse
    thresholds: Mapping[str, float]


def answer(
    recogniser: Recogniser,
    *,
    enrolled: pd.DataFrame,
    fresh: pd.DataFrame,
    indexes: Mapping[str, pd.DataFrame],
    paths: "pd.Series[str]",
    rejected: pd.DataFrame,
    count: int,
    gallery: GallerySettings,
) -> pd.DataFrame:
    """Answer who each presentation of new captures shows.

    Args:
        recogniser: how they are compared.
        enrolled: templates of the captures that are enrolled (rows whose role is `reference` or `both`).
        fresh: templates of the new captures.
        indexes: of the new captures; a modality without captures has none.
        paths: the path of each new capture, by capture_id; of other modalities, too.
        rejected: files that were not taken: `path`, `reason`, `detail`.
        count: how many candidates to list.
        gallery: how embeddings are kept and searched, where captures of one modality are compared by them.

    Returns:
        A table of COLUMNS: a row for each presentation, then one for each file that is not presented, because
        it is enrolled itself or was rejected.

    Raises:
        MismatchError: templates are of other settings, or of another network, than the thresholds.
    """
    references = enrolled[enrolled["role"].isin(ENROLLED)]
    left = {m: _select(fresh, m, recogniser, "new captures") for m in recogniser.chosen}
    right = {m: _select(references, m, recogniser, "enrolled captures") for m in recogniser.chosen}
    owners = pd.concat(list(right.values()), ignore_index=True)
    unseen = {m: index[~index["capture_id"].isin(owners["capture_id"])] for m, index in indexes.items()}
    shown = {m: unseen[m] for m in recogniser.chosen if m in unseen and len(unseen[m])}
    _require_templates(shown, left, recogniser)
    fuse = _widen(recogniser, tuple(shown))
    answers = predict(
        {m: list_captures(index) for m, index in shown.items()},
        {m: list_captures(right[m]) for m in shown},
        score={m: _compare_between(list_captures(index), left[m], right[m]) for m, index in shown.items()},
        fuse=fuse,
        thresholds=recogniser.thresholds,
        count=count,
        nearest=_search_alone(shown, left, right, fuse, gallery),
    )
    named = _name_captures(answers, shown, paths)
    enrolled_too = _set_aside(_list_enrolled(paths, owners), "enrolled")
    others = _set_aside(_list_others(paths, indexes, list(recogniser.chosen)), "rejected")
    return _join([named, enrolled_too, others, _set_aside(rejected, "rejected")], recogniser)


def _join(tables: Sequence[pd.DataFrame], recogniser: Recogniser) -> pd.DataFrame:
    """Join tables of answers, and state the versions of the templates behind them."""
    table = pd.concat(tables, ignore_index=True)
    version = "+".join(dict.fromkeys(recogniser.versions.values()))
    return table.assign(template_versions=version).reindex(columns=list(COLUMNS)).astype(dict(COLUMNS))


def _select(templates: pd.DataFrame, modality: str, recogniser: Recogniser, what: str) -> pd.DataFrame:
    """Select the templates of the chosen comparator of a modality.

    A comparator that learns has templates of several versions, one a fold; one of them made the thresholds.

    Raises:
        MismatchError: all are of other versions than the thresholds.
    """
    name, version = recogniser.chosen[modality], recogniser.versions[modality]
    rows = templates[(templates["modality"] == modality) & (templates["comparator"] == name)]
    chosen = rows[rows["version"] == version]
    if len(rows) and not len(chosen):
        raise MismatchError(
            f"expected {modality} templates of {what} by {name} of version {version}, got those of "
            f"{', '.join(sorted(set(rows['version'])))}: run evaluation again with these settings and model"
        )
    return chosen


def _require_templates(
    indexes: Mapping[str, pd.DataFrame], templates: Mapping[str, pd.DataFrame], recogniser: Recogniser
) -> None:
    """Refuse new captures that were acquired but have no template by the chosen comparator.

    Raises:
        MismatchError: names the first such modality.
    """
    for modality, index in indexes.items():
        if (index["status"] == "ok").any() and templates[modality].empty:
            raise MismatchError(
                f"expected {modality} templates of new captures by {recogniser.chosen[modality]}, which the "
                "thresholds were chosen for, got none: keep that comparator, or run evaluation again"
            )


def _compare_between(probes: Captures, left: pd.DataFrame, right: pd.DataFrame) -> Score:
    """Compare templates when they are asked for; a capture without one gives NaN."""
    if not len(left) or not len(right):
        return lambda shown, kept: np.full((len(shown), len(kept)), np.nan, dtype=np.float32)
    places, fresh = place_captures(probes, left), unpack_templates(left["template"])
    enrolled = unpack_templates(right["template"])[place_captures(list_captures(right), right)]
    compare: Compare = read_compare(str(right["comparator"].iloc[0]), str(right["settings"].iloc[0]))

    def score(shown: NDArray[np.int64], kept: NDArray[np.int64]) -> NDArray[np.float32]:
        rows = places[shown]
        scores = np.full((len(shown), len(kept)), np.nan, dtype=np.float32)
        acquired = np.flatnonzero(rows >= 0)
        if len(acquired):
            in_order = np.array_equal(kept, np.arange(kept[0], kept[0] + len(kept)))
            references = enrolled[kept[0] : kept[0] + len(kept)] if in_order else enrolled[kept]
            scores[acquired] = compare(fresh[rows[acquired]], references)
        return scores

    return score


def _search_alone(
    shown: Mapping[str, pd.DataFrame],
    left: Mapping[str, pd.DataFrame],
    right: Mapping[str, pd.DataFrame],
    fuse: Fuse,
    gallery: GallerySettings,
) -> Nearest | None:
    """Search a gallery where one modality alone is shown, by its embeddings; None where all are compared."""
    if len(shown) != 1:
        return None
    ((modality, index),) = shown.items()
    fresh, enrolled = left[modality], right[modality]
    if fresh.empty or set(enrolled["comparator"]) != {COSINE} or not rises(fuse):
        return None
    probes = list_captures(index)
    return CosineSearch.of(
        unpack_templates(fresh["template"]).astype(np.float32),
        rows=place_captures(probes, fresh),
        instances=probes.instances,
        enrolled=unpack_templates(enrolled["template"]).astype(np.float32),
        owners=enrolled[["subject_id", "instance"]],
        fuse=fuse,
        settings=gallery,
    ).nearest


def _widen(recogniser: Recogniser, shown: Sequence[str]) -> Fuse:
    """Give the fusion all its columns: NaN for the modalities that no new capture is of."""

    def fuse(scores: NDArray[np.floating]) -> NDArray[np.floating]:
        wide = np.full((len(scores), len(recogniser.chosen)), np.nan)
        wide[:, [list(recogniser.chosen).index(modality) for modality in shown]] = scores
        return recogniser.fuse(wide)

    return fuse


def summarise_predictions(predictions: pd.DataFrame) -> dict[str, object]:
    """Count the answers by status, and the files that they are about; name the versions of the templates."""
    counts = predictions["status"].value_counts()
    files = predictions["captures"].str.len().groupby(predictions["status"]).sum()
    return {
        "rows": len(predictions),
        "by_status": {status: int(counts[status]) for status in sorted(counts.index)},
        "files_by_status": {status: int(files[status]) for status in sorted(counts.index)},
        "template_versions": str(predictions["template_versions"].iloc[0]) if len(predictions) else None,
    }


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
    paths: "pd.Series[str]", indexes: Mapping[str, pd.DataFrame], modalities: Sequence[str]
) -> pd.DataFrame:
    """List the captures of modalities that have no thresholds, in the form of rejected files."""
    seen = {
        name for modality in modalities if modality in indexes for name in indexes[modality]["capture_id"]
    }
    others = [path for name, path in paths.items() if name not in seen]
    detail = f"expected one of the modalities that are compared: {', '.join(modalities)}"
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
