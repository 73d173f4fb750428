"""Networks for the folds of the protocols: whom they see, whom they embed, and what a second run repeats."""

import os
import signal

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from selfsame.errors import MismatchError
from selfsame.learning.embedding import cross_validation
from selfsame.learning.embedding.cross_validation import (
    FOLD_COLUMNS,
    count_workers,
    embed_folds,
    require_same_folds,
)
from selfsame.learning.embedding.pairs import LEARNT_COLUMNS, compare_embeddings, tabulate_embeddings
from selfsame.matching.comparators import COSINE
from selfsame.matching.pairs import index_trained
from selfsame.matching.templates import unpack_templates
from selfsame.parallel.backends import WorkerDiedError
from selfsame.pipelines.training.nodes import cross_validate
from selfsame.pipelines.training.params import CrossValidation
from selfsame.protocols.assignment import assign_captures, view_fold
from selfsame.protocols.splits import ListedReferences, SplitRules
from selfsame.shards.arrays import ShardedArrays

MODALITIES = ("iris_left",)


@pytest.fixture
def task(toy):
    """Arrays, indexes as under closed_set, and assignments of four people in two folds."""
    data = toy(subjects=4)
    index = data.indexes["iris_left"]
    rules = SplitRules(ListedReferences([1, 2, 3]), 0.0, 2, 0.25)
    assignments = assign_captures(index.drop(columns=["role", "split"]), rules, 3)
    given = index.assign(role="", split="", protocol="")
    view = view_fold(given, assignments, "closed_set", 0)
    return {"iris_left": data.arrays["iris_left"]}, {"iris_left": view}, assignments


def run(task, parameters, workspace, *, workers=1, **change):
    arrays, indexes, assignments = task
    regimen = parameters(max_epochs=1)
    given = {"arrays": arrays, "indexes": indexes, "assignments": assignments, **change}
    return embed_folds(
        given["arrays"], given["indexes"], given["assignments"], encoder_of=regimen.encoder_of,
        encoders=regimen.encoders, regimen=regimen, seed=1, workspace=workspace, workers=workers,
    )  # fmt: skip


def test_every_other_fold_embeds_whom_it_compares_and_whom_it_never_saw(task, parameters, tmp_path):
    table = run(task, parameters, tmp_path)
    assert list(table.columns) == FOLD_COLUMNS
    folds = list(table[["protocol", "fold"]].drop_duplicates().itertuples(index=False, name=None))
    assert folds == [("subject_disjoint", 0), ("subject_disjoint", 1), ("open_set", 0)]
    disjoint = table[table["protocol"] == "subject_disjoint"]
    tested = disjoint.groupby("fold")["subject_id"].agg(set)
    assert tested[0] | tested[1] == {"s0", "s1", "s2", "s3"}
    assert not tested[0] & tested[1]
    assert len(disjoint) == 4 * 5  # every capture once, by the network that never saw its subject
    strangers = table[(table["protocol"] == "open_set")]
    assert len(strangers) == 4 * 5  # probes and references of everyone
    assert table["model_version"].nunique() == 3
    assert (table["weight"] > 0).all()


def test_people_of_the_test_teach_their_network_nothing(task, parameters, tmp_path, monkeypatch):
    networks = []

    def keep(checkpoint, *given, **how):
        networks.append(checkpoint)
        return embed(checkpoint, *given, **how)

    embed = cross_validation.embed_all
    monkeypatch.setattr(cross_validation, "embed_all", keep)
    arrays, indexes, assignments = task
    only = assignments[(assignments["protocol"] == "subject_disjoint") & (assignments["fold"] == 0)]
    view = view_fold(indexes["iris_left"], assignments, "subject_disjoint", 0)
    for name, splits in {"as it is": (), "tested": ("test",), "trained": ("train",)}.items():
        pixels = arrays["iris_left"].gather(np.arange(len(arrays["iris_left"])))
        rows = view.loc[view["split"].isin(splits), "row"].to_numpy()
        pixels[rows, 0] = 255 - pixels[rows, 0]  # poison
        poisoned = {"iris_left": ShardedArrays({"iris_left": pixels})}
        run(task, parameters, tmp_path / name, arrays=poisoned, assignments=only)
    clean, tested, trained = (network.weights for network in networks)
    assert all(np.array_equal(clean[name], tested[name]) for name in clean)
    assert not all(np.array_equal(clean[name], trained[name]) for name in clean)


def test_an_interrupted_run_trains_the_folds_that_are_left(task, parameters, tmp_path, monkeypatch):
    trained = []

    def fit_or_stop(task, regimen, folder, *, stop_at):
        if len(trained) == stop_at:
            raise KeyboardInterrupt
        trained.append(folder.name)
        return fit(task, regimen, folder)

    fit = cross_validation.fit
    monkeypatch.setattr(cross_validation, "fit", lambda *given: fit_or_stop(*given, stop_at=1))
    with pytest.raises(KeyboardInterrupt):
        run(task, parameters, tmp_path)
    assert trained == ["subject_disjoint_0"]
    state = next((tmp_path / "subject_disjoint_0").glob("state*"))
    before = state.stat().st_mtime_ns
    monkeypatch.setattr(cross_validation, "fit", fit)
    table = run(task, parameters, tmp_path)
    assert state.stat().st_mtime_ns == before  # finished: read, not trained again
    again = run(task, parameters, tmp_path)
    pd.testing.assert_frame_equal(again, table)


@pytest.mark.slow
def test_folds_side_by_side_give_the_bits_of_one_after_the_other(task, parameters, tmp_path):
    alone = run(task, parameters, tmp_path / "alone")
    together = run(task, parameters, tmp_path / "together", workers=2)
    pd.testing.assert_frame_equal(together, alone, check_exact=True)
    names = [path.name for path in sorted((tmp_path / "together").iterdir())]
    assert names == ["open_set_0", "subject_disjoint_0", "subject_disjoint_1"]


def test_a_fold_whose_process_dies_is_named(task, parameters, tmp_path, monkeypatch):
    die = lambda *_given: os.kill(os.getpid(), signal.SIGKILL)  # noqa: E731 - travels by value
    monkeypatch.setattr(cross_validation, "_embed_quietly", die)
    with pytest.raises(WorkerDiedError, match="a network for subject_disjoint, fold 0, but the process"):
        run(task, parameters, tmp_path, workers=2)


@pytest.mark.parametrize(("asked", "threads", "expected"), [(-1, 1, 4), (-1, 3, 1), (-1, 8, 1), (3, 1, 3)])
def test_workers_share_the_cores(parameters, monkeypatch, asked, threads, expected):
    monkeypatch.setattr("joblib.cpu_count", lambda: 4)
    assert count_workers(asked, parameters(threads=threads)) == expected


def test_no_worker_at_all_is_refused():
    with pytest.raises(ValidationError, match="expected 1 worker or more"):
        CrossValidation(enabled=True, workers=0)


def test_nothing_is_trained_where_it_is_not_asked_for(task, parameters, tmp_path):
    arrays, indexes, assignments = task
    asked = CrossValidation(enabled=False, workers=1)
    table = cross_validate(
        parameters(max_epochs=1), asked, 1, tmp_path, assignments, arrays["iris_left"], indexes["iris_left"]
    )
    assert list(table.columns) == FOLD_COLUMNS
    assert table.empty
    assert not list(tmp_path.iterdir())


def test_one_fold_trains_on_nobody_and_is_left_out(task, parameters, tmp_path):
    *_, assignments = task
    everyone = (assignments["protocol"] == "subject_disjoint") & (assignments["fold"] == 0)
    alone = assignments[everyone].assign(role="both", split="test")
    assert run(task, parameters, tmp_path, assignments=alone).empty


def test_embeddings_of_folds_that_were_drawn_otherwise_are_refused(task, parameters, tmp_path):
    _, indexes, assignments = task
    table = run(task, parameters, tmp_path)
    assert require_same_folds(table, indexes, assignments) is None
    rules = SplitRules(ListedReferences([1, 2, 3]), 0.0, 2, 0.25)
    captures = indexes["iris_left"].drop(columns=["role", "split", "protocol"])
    others = assign_captures(captures, rules, 4)  # another seed deals people otherwise
    with pytest.raises(MismatchError, match=r"subject_disjoint fold 0 compares, .* run training again"):
        require_same_folds(table, indexes, others)


# Their scores


def make_embeddings(seed, names=("p", "q", "r"), **kind):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(len(names), 4))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return pd.DataFrame({
        "capture_id": list(names), "impression": 0, "subject_id": list(names), "modality": "iris_left",
        "instance": "left", "capture_index": 1, "role": "both", "split": "test",
        "embedding": list(vectors.astype(np.float32)), "model_version": f"m{seed}", **kind,
    })  # fmt: skip


class Network:
    fusion_weights = {"iris_left": 0.75}


def test_scores_of_a_fold_are_those_of_its_own_network():
    deployed, other = make_embeddings(0), make_embeddings(1, protocol="open_set", fold=0, weight=0.25)
    pairs = compare_embeddings(Network(), deployed, other, "closed_set")
    assert list(pairs.columns) == LEARNT_COLUMNS
    assert set(pairs["comparator"]) == {COSINE}
    for table, protocol, weight in ((deployed, "closed_set", 0.75), (other, "open_set", 0.25)):
        scores = index_trained([pairs], protocol, 0)["iris_left", COSINE].scores
        vectors = np.stack(table["embedding"])
        expected = vectors @ vectors.T
        off = ~np.eye(3, dtype=bool)
        np.testing.assert_allclose(scores[off], expected[off], atol=1e-6)
        assert set(pairs.loc[pairs["protocol"] == protocol, "weight"]) == {weight}
    assert index_trained([pairs], "subject_disjoint", 0) == {}


def test_scores_without_networks_of_other_folds_are_those_of_the_deployed_one():
    nothing = pd.DataFrame({name: pd.Series(dtype="object") for name in FOLD_COLUMNS})
    pairs = compare_embeddings(Network(), make_embeddings(0), nothing, "subject_disjoint")
    assert set(zip(pairs["protocol"], pairs["fold"], strict=True)) == {("subject_disjoint", 0)}
    assert len(pairs) == 3


def test_embeddings_are_kept_as_templates_of_their_network():
    table = tabulate_embeddings(make_embeddings(0))
    assert set(table["version"]) == {"m0"}
    assert set(table["comparator"]) == {COSINE}
    np.testing.assert_array_equal(
        unpack_templates(table["template"]), np.stack(make_embeddings(0)["embedding"])
    )


def test_no_embeddings_are_an_empty_table_of_templates():
    assert tabulate_embeddings(make_embeddings(0).head(0)).empty
