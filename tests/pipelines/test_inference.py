from inspect import signature
from typing import get_type_hints

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from selfsame.errors import DamagedError, InputError, MismatchError
from selfsame.learning.embedding.pairs import embed_unknown
from selfsame.matching.encoding import fit_all
from selfsame.matching.identification.gallery_settings import GallerySettings
from selfsame.matching.score_fusion.fitting import fit_fusion
from selfsame.matching.score_fusion.settings import FusionSettings
from selfsame.pipelines.comparison.nodes import encode_captures, encode_new
from selfsame.pipelines.comparison.params import ComparisonParams
from selfsame.pipelines.inference import create_pipeline
from selfsame.pipelines.inference.nodes import list_new_captures, predict_identities
from selfsame.pipelines.inference.params import InferenceParameters
from selfsame.pipelines.preprocessing import create_pipeline as create_preprocessing
from selfsame.protocols.assignment import assign_captures
from selfsame.protocols.splits import ListedReferences, SplitRules
from selfsame.shards.arrays import ShardedArrays
from selfsame.sources.tables import DISTINCT, REJECTED

MODALITIES = ("iris_left", "fingerprint")
GALLERY = GallerySettings(stored_as="float32", sketch=False, workers=1)
PEOPLE = ("ann", "bob", "cleo", "dora")
FACES = ComparisonParams.model_validate({
    "workers": 1, "batch_size": 4,
    "comparators": {"faces": {"kind": "eigenfaces", "components": 3, "whitening": False}},
})  # fmt: skip


def build(*, trained=False):
    return create_pipeline(MODALITIES, trained=trained)


def empty(columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})


def captured(*names: str) -> pd.DataFrame:
    """Captures as the sifting leaves them, of one subject."""
    texts = {name: ["x"] * len(names) for name, kind in DISTINCT.items() if kind == "str"}
    numbers = {name: range(1, len(names) + 1) for name, kind in DISTINCT.items() if kind != "str"}
    table = pd.DataFrame({**texts, **numbers, "capture_id": list(names), "path": list(names)})
    return table.astype(dict(DISTINCT))


# The graph


def test_inference_without_a_network_needs_new_captures_and_what_the_evaluation_left() -> None:
    data = {name for name in build().inputs() if not name.startswith("params:")}
    made = {f"new.{modality}.made_shards" for modality in MODALITIES}
    kept = {f"{m}.{part}" for m in MODALITIES for part in ("templates", "fitted_comparators")}
    assert data == {"new.captures", "operating_points", *made, *kept}


def test_a_trained_network_adds_its_checkpoint_and_embeddings() -> None:
    more = build(trained=True).inputs() - build().inputs()
    assert more == {"checkpoint", "embeddings", "new.embeddings_workspace", "params:evaluation"}


@pytest.mark.parametrize("trained", [False, True])
def test_new_captures_share_the_parameters_of_the_main_job(trained: bool) -> None:
    parameters = {name for name in build(trained=trained).inputs() if name.startswith("params:")}
    assert parameters - {"params:evaluation", "params:layouts"} == {
        "params:layout",
        "params:data_engineering",
        "params:seed",
        "params:inference",
        *(f"params:{m}.{block}" for m in MODALITIES for block in ("preprocessing", "comparison")),
    }


def test_new_captures_go_through_the_functions_of_the_main_job() -> None:
    inference = {node.func for node in build().nodes if node.namespace != "new"}
    assert {node.func for node in create_preprocessing().nodes} < inference


def test_nothing_that_inference_writes_overwrites_the_main_job() -> None:
    outputs = build(trained=True).all_outputs()
    shared = {name for name in outputs if not name.startswith("new.")}
    assert shared == {"predictions", "prediction_summary", "learnt_templates"}


@pytest.mark.parametrize(
    ("function", "parameter", "kind"),
    [
        ("predict_identities", "params:inference", InferenceParameters),
        ("encode_new_fingerprint", "params:fingerprint.comparison", ComparisonParams),
    ],
)
def test_the_parameters_reach_the_node_typed(function: str, parameter: str, kind: type) -> None:
    node = next(one for one in build().nodes if one.name == function)
    argument = list(signature(node.func).parameters)[node.inputs.index(parameter)]
    assert get_type_hints(node.func)[argument] is kind


@pytest.mark.parametrize("wrong", [{"candidates": 0}, {"batch_size": 4}, {"threshold": 0.5}, {"gallery": {}}])
def test_wrong_parameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        InferenceParameters(**{"candidates": 3, "gallery": GALLERY, **wrong})


# New captures


def test_new_captures_are_probes_and_nobody_is_enrolled() -> None:
    manifest = list_new_captures(captured("a", "b"), empty(REJECTED))
    assert manifest["role"].tolist() == ["probe", "probe"]
    assert manifest["split"].tolist() == ["test", "test"]
    assert set(manifest["protocol"]) == {"unenrolled"}


def test_a_folder_without_any_usable_capture_is_refused_with_an_example() -> None:
    rejected = empty(REJECTED)
    rejected.loc[0] = ["a.txt", 3, "not_an_image", "expected an image"]
    with pytest.raises(InputError, match=r"all 1 files were refused, most as not_an_image: a\.txt"):
        list_new_captures(captured(), rejected)


# Answers without a network, by a comparator that learns


def draw(subject: str, capture: int) -> np.ndarray:
    face = np.random.default_rng(ord(subject[0])).normal(128, 40, (8, 6))
    noisy = face + np.random.default_rng(capture).normal(0, 4, face.shape)
    return np.stack([noisy.clip(0, 255), np.full_like(noisy, 255)]).astype(np.uint8)


def make(captures: list[tuple[str, int]], role: str) -> tuple[ShardedArrays, pd.DataFrame]:
    index = pd.DataFrame(captures, columns=["subject_id", "capture_index"]).assign(
        capture_id=[f"{subject}-{capture}" for subject, capture in captures],
        impression=0, modality="face", instance="face", role=role, split="test", protocol="closed_set",
        status="ok", reason=None, shard="one", row=range(len(captures)), measures="{}",
    )  # fmt: skip
    return ShardedArrays({"one": np.stack([draw(*capture) for capture in captures])}), index


@pytest.fixture(scope="module")
def known():
    """What an evaluation leaves: fitted comparators, templates of everyone, operating points."""
    arrays, index = make([(subject, k) for subject in PEOPLE for k in (1, 2, 3)], "probe")
    rules = SplitRules(ListedReferences([1, 2]), 0.0, 2, 0.25)
    assignments = assign_captures(index.drop(columns=["role", "split", "protocol"]), rules, 0)
    fitted = fit_all(FACES.comparators, arrays, index, assignments)
    enrolled = index.assign(role=np.where(index["capture_index"] < 3, "reference", "probe"))
    templates = encode(fitted, None, arrays, enrolled)
    own = (templates["protocol"] == "closed_set") & (templates["fold"] == 0)
    version = templates.loc[own, "version"].iloc[0]
    settings = FusionSettings(
        normalisation="z", weights="equal", calibration="logistic", prior=0.5, spread=1.0
    )
    scores = np.array([[0.9], [0.95], [0.1], [0.2]])
    fusion = fit_fusion("sum", scores, np.array([True, True, False, False]), None, settings)
    point = {
        "modalities": ["face"], "synthetic_impressions": [], "stated_fmr": 0.01,
        "threshold": float(fusion.apply(np.array([[0.8]]))[0]), "fmr": 0.0, "fmr_supported": False,
        "fnmr": 0.1, "fnmr_interval": [0.0, 0.2], "mated": 9, "non_mated": 90,
    }  # fmt: skip
    points = {
        "protocol": "closed_set", "modalities": ["face"], "chosen": {"face": "faces"},
        "versions": {"face": version}, "fitted": dict(fusion.to_document()), "points": {"face": point},
    }  # fmt: skip
    return fitted, templates, points


def encode(fitted, points, arrays, index):
    """All folds' templates, or with operating points those of new captures."""
    if points is None:
        return encode_captures(FACES, fitted, arrays, index)
    return encode_new(FACES, fitted, points, arrays, index)


def answer(known, captures, **change):
    fitted, templates, points = known
    arrays, index = make(captures, "probe")
    given = {
        "enrolled": templates,
        "fresh": encode(fitted, points, arrays, index),
        "points": points,
        **change,
    }
    manifest = index.assign(path=index["capture_id"] + ".png")
    return predict_identities(
        InferenceParameters(candidates=2, gallery=GALLERY), given["points"], manifest,
        pd.DataFrame(columns=["path", "reason", "detail"], dtype="str"),
        given["enrolled"], given["fresh"], index,
    )  # fmt: skip


def test_a_new_capture_is_named_by_what_was_fitted_for_the_thresholds(known) -> None:
    predictions, summary = answer(known, [("cleo", 9), ("ann", 8)])
    assert predictions["identity"].tolist() == ["ann", "cleo"]
    assert predictions["candidates"].str.len().tolist() == [2, 2]
    assert summary["by_status"] == {"identified": 2}
    assert summary["template_versions"] == known[2]["versions"]["face"]


def test_somebody_else_is_unknown(known) -> None:
    predictions, _ = answer(known, [("zoe", 9)])
    assert predictions["status"].tolist() == ["unknown"]


def test_new_captures_are_encoded_once_as_for_the_fold_of_the_thresholds(known) -> None:
    fitted, templates, points = known
    fresh = encode(fitted, points, *make([("ann", 9)], "probe"))
    assert len(fresh) == 1
    assert templates["version"].nunique() == 4  # closed_set, two folds of subject_disjoint, open_set
    assert set(fresh["version"]) == {points["versions"]["face"]}


def test_templates_of_a_comparator_that_was_fitted_again_are_refused(known) -> None:
    fitted, _, points = known
    other = fit_all(
        FACES.comparators, *make([(subject, k) for subject in PEOPLE for k in (4, 5)], "reference"),
        fitted[["protocol", "fold"]].drop_duplicates().merge(
            pd.DataFrame({"capture_id": [f"{s}-{k}" for s in PEOPLE for k in (4, 5)], "role": "reference",
                          "split": "train"}), how="cross",
        ),
    )  # fmt: skip
    fresh = encode(other, points, *make([("ann", 9)], "probe"))
    with pytest.raises(MismatchError, match="face templates of new captures by faces of version"):
        answer(known, [("ann", 9)], fresh=fresh)


def test_operating_points_of_another_format_are_refused(known) -> None:
    with pytest.raises(DamagedError, match=r"expected operating points .* run evaluation again"):
        answer(known, [("ann", 9)], points={"face": {"threshold": 0.5}})


def test_captures_of_modalities_that_the_network_does_not_know_have_no_embeddings() -> None:
    class Network:
        modalities = ("iris_left",)
        version = "m1"

    arrays, index = make([("ann", 9)], "probe")
    made = embed_unknown(Network(), {"face": arrays}, {"face": index}, batch_size=4, device="cpu")
    assert made.empty
    assert "template" in made.columns
