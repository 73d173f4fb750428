"""The evaluation as Kedro runs it: captures and scores of pairs in; metrics, thresholds and report out."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from selfsame.errors import InputError, MismatchError
from selfsame.evaluation.operating_points import read_operating_points
from selfsame.evaluation.results import Metrics
from selfsame.learning.embedding.pairs import LEARNT_COLUMNS
from selfsame.matching.comparators import compare_cosines
from selfsame.matching.pairs import compare_templates
from selfsame.matching.templates import tabulate_templates
from selfsame.pipelines.evaluation import create_pipeline
from selfsame.pipelines.evaluation.nodes import choose_thresholds, compare_captures
from selfsame.pipelines.evaluation.params import EvaluationParams
from selfsame.protocols.assignment import apply_fold, assign_captures, view_fold
from selfsame.protocols.splits import ListedReferences, SplitRules
from selfsame.sources.tables import MANIFEST

LAYOUT = {  # modality: instances, captures, synthetic impressions, comparator, quality measure
    "iris_left": (("left",), 4, 0, "iris_code", "visible_share"),
    "iris_right": (("right",), 4, 0, "iris_code", "visible_share"),
    "fingerprint": (("left_thumb", "right_thumb"), 1, 1, "minutiae", "ridge_coherence"),
}
MODALITIES = tuple(LAYOUT)
SUBJECTS = tuple(f"{i:02d}" for i in range(12))
FAILED = ("00_iris_left_left_3", 0)
SEED = 5


def read_parameters(**change):
    text = Path("conf/base/parameters_evaluation.yml").read_text(encoding="utf-8")
    block = yaml.safe_load(text.replace("${globals:device}", "cpu"))["biometrics"]["evaluation"]
    block["fusion"]["groups"] = 3
    return EvaluationParams.model_validate({**block, "resamples": 100, **change})


PARAMETERS = read_parameters(fmrs=(0.1, 0.01), operating_fmr=0.02)


def lay_out(modality):
    """The index of one modality, with one probe of the first subject that could not be acquired."""
    instances, captures, impressions, _, measure = LAYOUT[modality]
    rows = [
        (f"{subject}_{modality}_{instance}_{capture}", impression, subject, modality, instance, capture)
        for subject in SUBJECTS
        for instance in instances
        for capture in range(1, captures + 1)
        for impression in range(impressions + 1)
    ]
    columns = ["capture_id", "impression", "subject_id", "modality", "instance", "capture_index"]
    quality = np.random.default_rng(0).uniform(size=len(rows)).round(3)
    index = pd.DataFrame(rows, columns=columns).assign(
        status="ok", reason=None, shard="one", row=range(len(rows)),
        measures=[json.dumps({measure: value}) for value in quality],
    )  # fmt: skip
    failed = (index["capture_id"] == FAILED[0]) & (index["impression"] == FAILED[1])
    return index.assign(
        status=index["status"].mask(failed, "failed"), reason=index["reason"].mask(failed, "occluded")
    )


def lay_out_all(change=lambda index: index):
    """Manifest, assignments and indexes of the workload under closed_set."""
    indexes = [change(lay_out(modality)) for modality in MODALITIES]
    captures = pd.concat([index[index["impression"] == 0] for index in indexes], ignore_index=True)
    assignments = assign_captures(captures, SplitRules(ListedReferences([1, 2]), 0.0, 3, 0.25), SEED)
    blank = {
        name: pd.Series([None] * len(captures), dtype="str" if kind == "str" else "float64")
        for name, kind in MANIFEST.items()
        if name not in (*captures.columns, "role", "split", "protocol")
    }
    hashes = [hashlib.sha256(name.encode()).hexdigest() for name in captures["capture_id"]]
    known = captures.assign(
        **{
            **blank,
            "sha256": hashes,
            "xxh128": [one[:32] for one in hashes],
            "width": 1,
            "height": 1,
            "bytes": 1,
        }
    )
    known["sex"] = np.where(known["subject_id"].astype(int) < 6, "female", "male")
    manifest = apply_fold(known, assignments, "closed_set", 0)
    given = [index.assign(role="", split="", protocol="") for index in indexes]
    views = [view_fold(index, assignments, "closed_set", 0) for index in given]
    return manifest, assignments, views


def score_pairs(index, noise=0.5, seed=0):
    """Scores of all pairs: one direction an instance of a subject, noise for each capture."""
    modality = str(index["modality"].iloc[0])
    rng = np.random.default_rng([seed, MODALITIES.index(modality)])
    rows = index.sort_values(["capture_id", "impression"])
    identity = rows.groupby(["subject_id", "instance"]).ngroup().to_numpy()
    vectors = rng.normal(size=(identity.max() + 1, 32))[identity] + noise * rng.normal(size=(len(rows), 32))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ok = (rows["status"] == "ok").to_numpy()
    made = tabulate_templates(
        rows[ok], vectors[ok].astype(np.float32), comparator=LAYOUT[modality][3], version="v1", settings="{}"
    )
    return compare_templates(made, compare_cosines, workers=1)


class Kept(MemoryDataset):
    """A dataset that the runner does not empty when nothing needs it any more."""

    def _release(self):
        pass


NOTHING = {
    "learnt_scores": LEARNT_COLUMNS,
    "named": ["figure", "presentation", "subject_id", "named", "score"],
    "history": ["epoch", "train_loss", "validation_loss", "train_accuracy", "learning_rate"],
}  # fmt: skip
NO_NETWORK = {name: pd.DataFrame(columns=columns) for name, columns in NOTHING.items()}


def evaluate(manifest, assignments, indexes, pairs, *, parameters=PARAMETERS, without=("report",)):
    """Run the pipeline without a network, as Kedro would."""
    inputs = {
        "params:evaluation": parameters, "params:seed": SEED, "manifest": manifest,
        "assignments": assignments, "model": {"model_version": None, "fusion_weights": {}}, **NO_NETWORK,
        **{f"{m}.index": index for m, index in zip(MODALITIES, indexes, strict=True)},
        **{f"{m}.pair_scores": table for m, table in zip(MODALITIES, pairs, strict=True)},
    }  # fmt: skip
    pipeline = Pipeline([node for node in create_pipeline(MODALITIES).nodes if node.name not in without])
    outputs = {name: Kept(copy_mode="assign") for name in pipeline.all_outputs()}
    given = {name: MemoryDataset(data, copy_mode="assign") for name, data in inputs.items()}
    catalog = DataCatalog({**given, **outputs})
    SequentialRunner().run(pipeline, catalog)
    return {name: catalog.load(name) for name in outputs}


@pytest.fixture(scope="module")
def inputs():
    manifest, assignments, indexes = lay_out_all()
    return manifest, assignments, indexes, [score_pairs(index) for index in indexes]


@pytest.fixture(scope="module")
def results(inputs):
    return evaluate(*inputs, without=())


@pytest.fixture(scope="module")
def metrics(results):
    return Metrics.model_validate_json(json.dumps(results["metrics"], allow_nan=False))


def find(metrics, protocol, figure, comparator):
    (found,) = [
        one
        for one in metrics.outcomes
        if (one.protocol, one.figure, one.comparator) == (protocol, figure, comparator)
    ]
    return found


def test_every_protocol_figure_and_rule_has_its_rates(metrics):
    prints = "fingerprint_synthetic_impressions"
    figures = [
        "iris_left", "iris_right", prints, "irises", f"iris_left+{prints}", f"iris_right+{prints}", "all",
    ]  # fmt: skip
    for protocol in ("closed_set", "subject_disjoint", "open_set"):
        outcomes = [one for one in metrics.outcomes if one.protocol == protocol]
        assert list(dict.fromkeys(one.figure for one in outcomes)) == figures
        assert {one.comparator for one in outcomes if len(one.modalities) > 1} == set(PARAMETERS.fusion.rules)
        assert [one.figure for one in metrics.headline(protocol)] == figures
    assert metrics.left_out == []
    assert metrics.setting.synthetic_impressions == ["fingerprint"]
    assert metrics.setting.model_version is None
    assert find(metrics, "closed_set", "all", "sum").verification.eer < 0.05


def test_protocols_say_who_was_compared(metrics):
    closed, disjoint, strangers = (
        metrics.protocols[kind] for kind in ("closed_set", "subject_disjoint", "open_set")
    )
    assert (closed.folds, disjoint.folds, strangers.folds) == (1, 3, 1)
    assert (closed.subjects, disjoint.subjects, strangers.subjects) == (12, 12, 12)
    assert (closed.unenrolled_subjects, strangers.unenrolled_subjects) == (0, 3)
    assert closed.reference_captures == 12 * (2 + 2 + 2)
    assert closed.probe_captures == 12 * (2 + 2 + 2)
    assert disjoint.reference_captures == 12 * (4 + 4 + 2)  # every eye on both sides


def test_failed_captures_are_counted(metrics):
    assert metrics.failure_to_acquire["iris_left"].reasons == {"occluded": 1}
    left = find(metrics, "closed_set", "iris_left", "iris_code")
    assert left.identification.probes_failed == 1
    assert left.identification.rank_1_with_failures == pytest.approx(
        left.identification.rank_1 * 23 / 24, abs=1e-9
    )
    assert (left.verification.mated_attempted, left.verification.mated_failed) == (48, 2)
    disjoint = find(metrics, "subject_disjoint", "iris_left", "iris_code").verification
    assert (disjoint.mated_attempted, disjoint.mated_failed) == (12 * 6, 3)
    assert disjoint.mated == 12 * 6 - 3
    together = find(metrics, "closed_set", "irises", "sum").verification
    assert (together.mated, together.mated_failed) == (48, 0)  # the other eye is there


def test_open_set_is_searched_by_strangers(metrics):
    found = find(metrics, "open_set", "iris_left", "iris_code").open_set
    assert found.unenrolled == 3
    assert found.non_mated_searches in (3 * 4 - 1, 3 * 4)  # without the probe that failed, if theirs
    assert found.enrolled == 9
    closed = find(metrics, "closed_set", "iris_left", "iris_code")
    assert closed.open_set is None
    assert find(metrics, "subject_disjoint", "iris_left", "iris_code").identification is None


def test_details_are_told_of_single_modalities_and_headline_figures(metrics):
    assert {curve.measure for curve in metrics.discards} == {"visible_share", "ridge_coherence"}
    assert {(curve.shares[0], curve.shares[-1]) for curve in metrics.discards} == {(0.0, 0.2)}
    assert {one.column for one in metrics.differentials} == {"sex"}
    assert {one.protocol for one in metrics.differentials} == {"subject_disjoint"}
    assert len([one for one in metrics.worst if one.figure == "all"]) == 2 * PARAMETERS.details.worst


def test_no_rule_is_worse_than_its_best_member(metrics):
    assert len(metrics.subsets) == 3 * 4 * 4
    assert not [one for one in metrics.subsets if one.worse]


def test_scores_export_a_file_for_every_protocol_figure_and_comparator(results):
    names = set(results["exported_scores"])
    assert {"closed_set/iris_left/iris_code", "open_set/all/logistic"} <= names
    text = results["exported_scores"]["closed_set/iris_left/iris_code"]()
    rows = results["scores"].query("protocol == 'closed_set' and comparator == 'iris_code'")
    assert len(text.splitlines()) == (rows["figure"] == "iris_left").sum()


def test_every_set_of_modalities_has_an_operating_point(results):
    points = read_operating_points(results["operating_points"])
    assert points.protocol == "closed_set"
    assert len(points.points) == 7
    assert points.points["iris_left+fingerprint"].synthetic_impressions == ["fingerprint"]
    assert points.points["iris_left+iris_right"].synthetic_impressions == []
    assert all(point.fmr <= 0.02 == point.stated_fmr for point in points.points.values())
    assert points.versions == dict.fromkeys(MODALITIES, "v1")


def test_report_and_plots_come_out(results):
    assert "synthetic impressions" in results["report"]
    assert all(len(results[name].axes) for name in ("det", "roc", "cmc", "score_histograms", "open_set"))


def test_same_seed_gives_the_same_metrics_whatever_the_order_of_rows(inputs, results):
    manifest, assignments, indexes, pairs = inputs

    def mix(table):
        return table.sample(frac=1, random_state=3).reset_index(drop=True)

    again = evaluate(mix(manifest), mix(assignments), [*map(mix, indexes)], [*map(mix, pairs)])
    assert again["metrics"] == results["metrics"]
    assert again["operating_points"] == results["operating_points"]
    pd.testing.assert_frame_equal(again["scores"], results["scores"])


def test_a_leak_stops_the_comparison_and_the_thresholds(inputs):
    manifest, assignments, indexes, pairs = inputs
    probe = assignments["capture_id"] == "03_iris_left_left_4"
    leak = (assignments["protocol"] == "subject_disjoint") & (assignments["fold"] == 0) & probe
    tested = assignments.loc[leak, "split"].iloc[0] == "test"
    leaky = assignments.assign(split=assignments["split"].mask(leak, "train" if tested else "test"))
    for node in (compare_captures, choose_thresholds):
        with pytest.raises(MismatchError, match=r"subject_disjoint fold 0: subject 03"):
            node(PARAMETERS, SEED, manifest, leaky, *indexes, *pairs, NO_NETWORK["learnt_scores"])


def test_modality_without_captures_leaves_the_others(inputs):
    manifest, assignments, indexes, pairs = inputs
    nothing = indexes[2].iloc[:0], pairs[2].iloc[:0]
    points = choose_thresholds(PARAMETERS, SEED, manifest, assignments, *indexes[:2], nothing[0], *pairs[:2],
                               nothing[1])  # fmt: skip
    assert set(points["points"]) == {"iris_left", "iris_right", "iris_left+iris_right"}


def test_modality_of_which_nothing_was_acquired_leaves_the_others(inputs):
    manifest, assignments, indexes, pairs = inputs
    lost = indexes[1].assign(status="failed", reason="no_pupil")
    results = evaluate(
        manifest, assignments, [indexes[0], lost, indexes[2]], [pairs[0], pairs[1].iloc[:0], pairs[2]]
    )
    metrics = Metrics.model_validate(results["metrics"])
    assert {one.figure for one in metrics.outcomes if len(one.modalities) == 1} == {
        "iris_left", "fingerprint_synthetic_impressions",
    }  # fmt: skip
    out = {one.figure: one for one in metrics.left_out if one.protocol == "closed_set"}
    assert out["iris_right"].probes_failed == out["iris_right"].probes_attempted == 24
    assert "iris_right by iris_code" in out["iris_right"].reason
    assert metrics.failure_to_acquire["iris_right"].rate == 1
    assert set(results["operating_points"]["points"]) == {
        "iris_left", "fingerprint", "iris_left+fingerprint",
    }  # fmt: skip


def test_evaluation_of_which_nothing_was_acquired_is_refused(inputs):
    manifest, assignments, indexes, pairs = inputs
    lost = [index.assign(status="failed", reason="no_pupil") for index in indexes]
    with pytest.raises(InputError, match=r"at least one (figure|modality)"):
        evaluate(manifest, assignments, lost, [table.iloc[:0] for table in pairs])


def test_another_rule_changes_the_operating_points_alone(inputs, results):
    fusion = PARAMETERS.fusion.model_dump()
    other = read_parameters(
        fmrs=(0.1, 0.01), operating_fmr=0.02, fusion={**fusion, "rule": "likelihood_ratio"}
    )
    points = choose_thresholds(other, SEED, *inputs[:2], *inputs[2], *inputs[3])
    assert points["fitted"]["rule"] == "likelihood_ratio"
    assert results["operating_points"]["fitted"]["rule"] == PARAMETERS.fusion.rule != "likelihood_ratio"
    assert points["points"]["iris_left"] != results["operating_points"]["points"]["iris_left"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fmrs": (1.5,)}, "less than 1"),
        ({"resample": 5}, "Extra inputs"),
        ({"batch_size": 0}, "greater than 0"),
        ({"protocols": ("open_book",)}, "closed_set"),
        ({"protocols": ()}, "at least 1 item"),
        ({"fusion": {**PARAMETERS.fusion.model_dump(), "rules": ("quality",)}}, "expected rules to hold"),
        ({"fusion": {**PARAMETERS.fusion.model_dump(), "groups": 2}}, "greater than or equal to 3"),
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
