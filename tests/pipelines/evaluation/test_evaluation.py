import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from selfsame.encoders.design import EncoderDesign
from selfsame.errors import InputError, MismatchError
from selfsame.learning.checkpoint import Checkpoint, Design, LabelMap, Origin
from selfsame.matching.search import best_per_subject, identify
from selfsame.pipelines.evaluation import create_pipeline
from selfsame.pipelines.evaluation.nodes import choose_thresholds, compare_captures
from selfsame.pipelines.evaluation.params import EvaluationParams
from selfsame.reporting.results import Metrics, OperatingPoint

MODALITIES = ("iris_left", "iris_right", "fingerprint")
SUBJECTS = tuple(f"{i:02d}" for i in range(12))
SIZE = 32
HISTORY = ("epoch", "train_loss", "validation_loss", "train_accuracy", "learning_rate")
PARAMETERS = EvaluationParams(
    batch_size=8, device="cpu", fmrs=(0.1, 0.01), operating_fmr=0.01, ranks_shown=20, resamples=100
)


def lay_out(modality, instances, captures, references, impressions, *, disjoint=False):
    """The index of one modality, with one probe of the first subject that could not be acquired."""
    rows = [
        (f"{modality}{subject}{instance}{capture}", impression, subject, modality, instance, capture, role)
        for subject in SUBJECTS
        for instance in instances
        for capture in range(1, captures + 1)
        for impression in range(impressions + 1)
        for role in ["reference" if capture in references and not impression else "probe"]
    ]
    index = pd.DataFrame(
        rows,
        columns=["capture_id", "impression", "subject_id", "modality", "instance", "capture_index", "role"],
    )
    index["split"] = "test" if disjoint else np.where(index["role"] == "reference", "train", "test")
    index["protocol"] = "subject_disjoint" if disjoint else "closed_set"
    index["status"], index["reason"] = "ok", None
    first = index.index[index["role"] == "probe"][0]
    index.loc[first, ["status", "reason"]] = ["failed", "occluded"]
    return index


def lay_out_all(*, disjoint=False):
    return [
        lay_out("iris_left", ("left",), 4, (1, 2), 0, disjoint=disjoint),
        lay_out("iris_right", ("right",), 4, (1, 2), 0, disjoint=disjoint),
        lay_out("fingerprint", ("left_thumb", "right_thumb"), 1, (1,), 2, disjoint=disjoint),
    ]


def unit(vectors):
    return (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def directions():
    """What an ideal encoder would embed each instance as."""
    rng = np.random.default_rng(0)
    instances = [(s, i) for s in SUBJECTS for i in ("left", "right", "left_thumb", "right_thumb")]
    return {key: unit(rng.normal(size=SIZE)) for key in instances}


def embed_around(directions, indexes, noise, version):
    rng = np.random.default_rng(1)
    table = pd.concat(indexes, ignore_index=True)
    table = (
        table[table["status"] == "ok"].drop(columns=["protocol", "status", "reason"]).reset_index(drop=True)
    )
    ideal = np.stack([directions[key] for key in zip(table["subject_id"], table["instance"], strict=True)])
    vectors = unit(ideal + noise * rng.normal(size=ideal.shape))
    return table.assign(embedding=list(vectors), model_version=version)


@pytest.fixture(scope="module")
def checkpoint(directions):
    """A checkpoint whose prototypes are the ideal embeddings; only its encoders' weights are missing."""
    classes = {
        "iris": tuple(key for key in sorted(directions) if key[1] in ("left", "right")),
        "finger": tuple(key for key in sorted(directions) if "thumb" in key[1]),
    }
    design = EncoderDesign("resnet18", 1, 8, SIZE, 0.0, 8, 8)
    return Checkpoint(
        design=Design(
            {"iris_left": "iris", "iris_right": "iris", "fingerprint": "finger"},
            {"iris": design, "finger": design},
        ),
        labels=LabelMap(SUBJECTS, classes),
        origin=Origin("d" * 64, "s" * 64, {}, "p" * 64, "0", 1),
        fusion_weights={"iris_left": 0.4, "iris_right": 0.4, "fingerprint": 0.2},
        epoch=3,
        metrics={},
        weights={
            f"prototypes.{name}": np.stack([directions[key] for key in keys])
            for name, keys in classes.items()
        },
    )


class Kept(MemoryDataset):
    """A dataset that the runner does not empty when nothing needs it any more."""

    def _release(self):
        pass


def evaluate(checkpoint, embeddings, indexes, *, without=("embed", "report")):
    """Run the pipeline behind the embeddings, as Kedro would."""
    history = pd.DataFrame({name: [1.0, 2.0] for name in HISTORY})
    inputs = {
        "params:evaluation": PARAMETERS, "params:seed": 5, "checkpoint": checkpoint, "embeddings": embeddings,
        "history": history, **{f"{m}.index": index for m, index in zip(MODALITIES, indexes, strict=True)},
    }  # fmt: skip
    pipeline = create_pipeline(MODALITIES)
    behind = Pipeline([node for node in pipeline.nodes if node.name not in without])
    outputs = {name: Kept(copy_mode="assign") for name in behind.all_outputs()}
    catalog = DataCatalog(
        {**{name: MemoryDataset(data, copy_mode="assign") for name, data in inputs.items()}, **outputs}
    )
    SequentialRunner().run(behind, catalog)
    return {name: catalog.load(name) for name in outputs}


@pytest.fixture(scope="module")
def results(checkpoint, directions):
    indexes = lay_out_all()
    return evaluate(
        checkpoint, embed_around(directions, indexes, 0.1, checkpoint.version), indexes, without=("embed",)
    )


def test_metrics_are_valid_and_list_irises_before_all(results):
    metrics = Metrics.model_validate_json(json.dumps(results["metrics"], allow_nan=False))
    figures = ["iris_left", "iris_right", "fingerprint_synthetic_impressions", "irises", "all"]
    assert list(metrics.verification) == list(metrics.identification) == figures
    assert metrics.protocol.synthetic_impressions == ["fingerprint"]
    assert metrics.protocol.kind == "closed_set"
    assert metrics.verification["all"].eer < 0.05


def test_failed_captures_are_counted(results):
    metrics = Metrics.model_validate(results["metrics"])
    assert metrics.failure_to_acquire["iris_left"].reasons == {"occluded": 1}
    assert metrics.identification["iris_left"].probes_failed == 1
    assert metrics.identification["iris_left"].rank_1_with_failures == pytest.approx(23 / 24)
    assert metrics.verification["iris_left"].mated_failed == 2


def test_scores_say_which_captures_were_compared(results):
    scores = results["scores"]
    assert scores["score"].dtype == np.float32
    assert scores["score"].between(-1, 1).all()
    assert (scores["mated"] == (scores["probe_subject"] == scores["reference_subject"])).all()
    assert len(scores[scores["figure"] == "fingerprint_synthetic_impressions"]) == (12 * 2 * 2 - 1) * 12


def test_classifier_names_the_subjects_it_was_trained_on(results):
    metrics = Metrics.model_validate(results["metrics"])
    assert metrics.classification["all"].accuracy == 1
    assert metrics.classification["iris_left"].presentations == 23
    assert metrics.classification["iris_left"].presentations_failed == 1
    assert metrics.classification["all"].presentations == 23


def test_presentation_of_which_nothing_was_acquired_is_a_failure(results):
    """The first presentation shows the failed capture of each modality."""
    metrics = Metrics.model_validate(results["metrics"])
    assert metrics.identification["all"].probes_failed == 1
    assert metrics.verification["all"].mated_attempted == 12 * 2 * 2
    assert metrics.verification["all"].mated == 12 * 2 * 2 - 2


def test_every_set_of_modalities_has_an_operating_point(results):
    points = {key: OperatingPoint.model_validate(point) for key, point in results["operating_points"].items()}
    assert len(points) == 7
    assert points["iris_left+fingerprint"].modalities == ["iris_left", "fingerprint"]
    assert points["iris_left+fingerprint"].synthetic_impressions == ["fingerprint"]
    assert points["iris_left+iris_right"].synthetic_impressions == []
    assert all(point.fmr <= 0.01 == point.stated_fmr for point in points.values())
    assert points["iris_left+iris_right+fingerprint"].fnmr <= points["iris_left"].fnmr


def test_search_with_an_operating_point_accepts_others_at_its_rate(results):
    scores = results["scores"][results["scores"]["figure"] == "iris_left"]
    matrix = scores.pivot(index="probe", columns="reference", values="score")
    subjects, best = best_per_subject(
        matrix.to_numpy(), np.array([name.split("/")[0] for name in matrix.columns])
    )
    probes = scores.drop_duplicates("probe").set_index("probe").loc[matrix.index, "probe_subject"].to_numpy()
    best[probes[:, None] == subjects[None, :]] = np.nan  # nobody presented is enrolled
    point = results["operating_points"]["iris_left"]
    found = identify(best, subjects, thresholds=np.full(len(best), point["threshold"]), count=1)
    assert (best >= point["threshold"]).sum() / np.isfinite(best).sum() == pytest.approx(point["fmr"])
    assert found.known.sum() <= round(point["fmr"] * point["non_mated"])


def test_report_and_plots_come_out(results):
    assert "Evaluation report" in results["report"]
    assert "fingerprint synthetic impressions" in results["report"]
    assert all(len(results[name].axes) for name in ("det", "roc", "cmc", "score_histograms", "confusion"))


def test_subject_disjoint_measures_no_classifier(checkpoint, directions):
    indexes = lay_out_all(disjoint=True)
    results = evaluate(checkpoint, embed_around(directions, indexes, 0.1, checkpoint.version), indexes)
    assert results["metrics"]["protocol"]["kind"] == "subject_disjoint"
    assert results["metrics"]["classification"] == {}
    assert len(results["named"]) == 0


def test_same_seed_gives_the_same_metrics_whatever_the_order_of_rows(checkpoint, directions):
    indexes = lay_out_all()
    embeddings = embed_around(directions, indexes, 0.3, checkpoint.version)
    first = evaluate(checkpoint, embeddings, indexes)
    shuffled = [index.sample(frac=1, random_state=3) for index in indexes]
    second = evaluate(checkpoint, embeddings.sample(frac=1, random_state=4).reset_index(drop=True), shuffled)
    assert first["metrics"] == second["metrics"]
    assert first["operating_points"] == second["operating_points"]


def test_embeddings_of_another_model_are_refused(checkpoint, directions):
    indexes = lay_out_all()
    embeddings = embed_around(directions, indexes, 0.1, "another")
    with pytest.raises(MismatchError, match="run evaluation again with this checkpoint"):
        compare_captures(checkpoint, embeddings, *indexes)


def test_modality_without_captures_leaves_the_others(checkpoint, directions):
    indexes = lay_out_all()
    embeddings = embed_around(directions, indexes, 0.1, checkpoint.version)
    present = indexes[:2]
    points = choose_thresholds(PARAMETERS, 5, checkpoint, embeddings, *present, indexes[2].iloc[:0])
    assert set(points) == {"iris_left", "iris_right", "iris_left+iris_right"}


def leave(table, subjects):
    return table[table["subject_id"].isin(subjects)]


def fail_probes(table):
    table.loc[table["role"] == "probe", ["status", "reason"]] = ["failed", "no_pupil"]
    return table


@pytest.mark.parametrize(
    ("change", "reason", "failed"),
    [
        (fail_probes, "at least two subjects, there are those of 0", 24),
        (lambda table: leave(table, ["03"]), "at least two subjects, there are those of 1", 0),
        (lambda table: table[table["role"] == "probe"], "0 reference and 24 probe captures", 0),
    ],
    ids=["every probe failed", "one subject", "nobody enrolled"],
)
def test_bad_modality_leaves_the_figures_of_the_others(
    checkpoint, directions, caplog, change, reason, failed
):
    indexes = lay_out_all()
    embeddings = embed_around(directions, indexes, 0.1, checkpoint.version)
    left, right, fingers = indexes
    changed = change(right)
    kept = pd.MultiIndex.from_frame(changed.loc[changed["status"] == "ok", ["capture_id", "impression"]])
    gone = (embeddings["modality"] == "iris_right") & ~pd.MultiIndex.from_frame(
        embeddings[["capture_id", "impression"]]
    ).isin(kept)
    results = evaluate(
        checkpoint, embeddings[~gone].reset_index(drop=True), [left, changed, fingers], without=("embed",)
    )
    metrics = Metrics.model_validate(results["metrics"])
    assert {"iris_left", "fingerprint_synthetic_impressions", "all"} <= set(metrics.verification)
    assert list(metrics.left_out) == ["iris_right"]
    assert reason in metrics.left_out["iris_right"].reason
    assert metrics.left_out["iris_right"].probes_failed == failed
    assert metrics.failure_to_acquire["iris_right"].failed >= failed
    assert reason in results["report"]
    warned = [message for message in caplog.messages if "figures without error rates" in message]
    assert len(warned) == 1
    assert "iris_right" in warned[0]


def test_evaluation_without_any_figure_is_refused(checkpoint, directions):
    indexes = [fail_probes(index) for index in lay_out_all()]
    embeddings = embed_around(directions, indexes, 0.1, checkpoint.version)
    with pytest.raises(InputError, match="at least one figure with error rates, got none: iris_left: "):
        evaluate(checkpoint, embeddings, indexes)


def test_operating_rate_that_the_subjects_cannot_show_is_warned_of_once(checkpoint, directions, caplog):
    indexes = lay_out_all()
    embeddings = embed_around(directions, indexes, 0.1, checkpoint.version)
    choose_thresholds(PARAMETERS, 5, checkpoint, embeddings, *indexes)
    assert len(caplog.messages) == 1
    assert "to show an FMR of 0.01: it is not supported for 7 of 7 thresholds" in caplog.text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fmrs": (1.5,)}, "less than 1"),
        ({"resample": 5}, "Extra inputs"),
        ({"batch_size": 0}, "greater than 0"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        EvaluationParams.model_validate({**PARAMETERS.model_dump(), **change})


def test_building_the_pipeline_imports_nothing_slow():
    code = (
        "import sys; from selfsame.pipelines.evaluation import create_pipeline; create_pipeline(('a',));"
        "print([name for name in ('torch', 'scipy', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
