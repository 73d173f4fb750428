"""The search against a plain sort of all scores."""

import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from selfsame.errors import InputError
from selfsame.matching.identification import block_scores, gallery, quantisation
from selfsame.matching.identification.gallery import Gallery
from selfsame.matching.identification.quantisation import Sketch, quantise

TYPES = ("float32", "float16", "int8")
KINDS = (*TYPES, "float32 sketched", "float16 sketched")


def draw_vectors(n, d, seed=0):
    vectors = np.random.default_rng(seed).normal(size=(n, d))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def enrol(vectors, row_type="float32", **options):
    row_type, _, sketched = row_type.partition(" ")
    rows, scale = quantise(vectors, row_type)
    sketch = Sketch.of(rows) if sketched else None
    return Gallery(rows, np.arange(len(rows)).astype(str), scale, sketch, **options)


def sort_everything(enrolled, probes, count):
    scores = (enrolled.rows.astype(np.float64)[None] * probes.astype(np.float64)[:, None]).sum(axis=2)
    scores = (scores * enrolled.scale).astype(np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :count]
    return order, np.take_along_axis(scores, order, axis=1)


def assert_exact(enrolled, probes, count):
    indices, scores = enrolled.search(probes, count)
    expected_indices, expected_scores = sort_everything(enrolled, probes, count)
    np.testing.assert_array_max_ulp(scores, expected_scores, maxulp=1)  # float64 sums in another order
    np.testing.assert_array_equal(indices, expected_indices)


@pytest.mark.parametrize("row_type", KINDS)
@pytest.mark.parametrize("probes", [1, 5, 40])
def test_search_finds_what_a_sort_of_all_scores_finds(row_type, probes):
    assert_exact(enrol(draw_vectors(3001, 48), row_type), draw_vectors(probes, 48, seed=1), count=12)


@given(
    st.sampled_from(KINDS),
    st.integers(1, 60),
    st.integers(1, 20),
    st.integers(1, 12),
    st.integers(1, 70),
    st.integers(1, 300),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=150, deadline=None)
def test_search_is_exact_for_any_sizes(row_type, n, d, probes, count, held, workers, seed):
    enrolled = enrol(draw_vectors(n, d, seed), row_type, scores_held=held)
    vectors = draw_vectors(probes, d, seed + 1)
    indices, scores = enrolled.search(vectors, count, workers)
    assert indices.shape == scores.shape == (probes, min(count, n))
    expected_indices, expected_scores = sort_everything(enrolled, vectors, count)
    np.testing.assert_array_max_ulp(scores, expected_scores, maxulp=1)
    if (np.diff(expected_scores, axis=1) < -1e-6).all():  # else a sum in another order may swap neighbours
        np.testing.assert_array_equal(indices, expected_indices)


@pytest.mark.parametrize("row_type", KINDS)
@pytest.mark.parametrize("held", [1, 7, 64, 2**20])
def test_equal_rows_come_in_their_order(row_type, held):
    rows = np.repeat(draw_vectors(4, 16), 25, axis=0)[np.random.default_rng(2).permutation(100)]
    enrolled = enrol(rows, row_type, scores_held=held)
    indices, scores = enrolled.search(rows[:3], 60)
    for one, falling in zip(indices, scores, strict=True):
        assert (np.diff(falling) <= 0).all()
        assert (np.diff(one)[np.diff(falling) == 0] > 0).all()
    assert_exact(enrolled, rows[:3], 60)


@pytest.mark.parametrize("row_type", KINDS)
def test_scores_that_differ_by_less_than_the_first_pass_resolves_are_told_apart(row_type):
    vectors = np.repeat(draw_vectors(1, 64), 500, axis=0)
    vectors += 1e-5 * draw_vectors(500, 64, seed=3)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert_exact(enrol(vectors, row_type, scores_held=90), vectors[:4], count=7)


@pytest.mark.parametrize("row_type", KINDS)
def test_one_probe_gives_what_many_give(row_type, monkeypatch):
    monkeypatch.setattr(gallery, "PROBES_AT_ONCE", 13)
    enrolled, probes = enrol(draw_vectors(700, 32), row_type), draw_vectors(30, 32, seed=1)
    indices, scores = enrolled.search(probes, 5)
    for i in range(30):
        alone_indices, alone_scores = enrolled.search(probes[i : i + 1], 5)
        np.testing.assert_array_equal(alone_indices[0], indices[i])
        np.testing.assert_array_equal(alone_scores[0], scores[i])


@pytest.mark.parametrize("row_type", KINDS)
def test_blocks_do_not_change_the_answer(row_type):
    vectors, probes = draw_vectors(500, 32), draw_vectors(3, 32, seed=1)
    whole = enrol(vectors, row_type).search(probes, 20)
    for held in (1, 10, 33, 1499):
        np.testing.assert_equal(enrol(vectors, row_type, scores_held=held).search(probes, 20), whole)


@pytest.mark.parametrize("row_type", KINDS)
def test_workers_do_not_change_the_answer(row_type):
    vectors = np.repeat(draw_vectors(120, 32), 5, axis=0)  # equal rows on both sides of an edge
    enrolled, probes = enrol(vectors, row_type, scores_held=64), draw_vectors(6, 32, seed=1)
    alone = enrolled.search(probes, 12)
    for workers in (2, 3, 7):
        np.testing.assert_equal(enrolled.search(probes, 12, workers), alone)


@pytest.mark.parametrize("row_type", ["float32", "float16"])
def test_sketch_does_not_change_the_answer(row_type):
    vectors, probes = draw_vectors(4000, 64), draw_vectors(20, 64, seed=1)
    vectors[5] = np.eye(64, dtype=np.float32)[0]  # the step of all others is coarse
    plain, sketched = enrol(vectors, row_type), enrol(vectors, f"{row_type} sketched")
    np.testing.assert_equal(sketched.search(probes, 10), plain.search(probes, 10))


@pytest.mark.parametrize("row_type", ["float32", "float16"])
def test_rows_that_a_sketch_cannot_tell_apart_are_told_apart(row_type):
    probes = np.float32(hadamard(16) / 4)  # exact in int8, so that only the rows are rounded
    vectors = draw_vectors(3000, 16)
    vectors[0] = np.eye(16)[0]  # makes the step of all others coarse
    assert_exact(enrol(vectors, f"{row_type} sketched", scores_held=6000), probes, 10)


def test_sketch_knows_the_most_that_it_is_off_by():
    vectors = draw_vectors(2100, 32)
    sketch = Sketch.of(vectors)
    off = np.linalg.norm(vectors - sketch.rows * sketch.scale, axis=1).max()
    assert off < sketch.error < 1.01 * off


@pytest.mark.parametrize("row_type", TYPES)
def test_read_only_memory_map_is_searched_in_place(row_type, tmp_path):
    held = enrol(draw_vectors(300, 32), row_type)
    np.save(tmp_path / "rows.npy", held.rows)
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        mapped = Gallery(rows, held.names, held.scale)
        found = mapped.search(draw_vectors(10, 32, seed=1), 4)
    assert isinstance(mapped.rows, np.memmap)
    np.testing.assert_equal(found, held.search(draw_vectors(10, 32, seed=1), 4))


@pytest.mark.parametrize("row_type", KINDS)
def test_memory_does_not_grow_with_the_gallery(row_type):
    probes, peaks = draw_vectors(16, 64, seed=1), []
    for n in (5_000, 40_000):
        enrolled = enrol(draw_vectors(n, 64), row_type, scores_held=2**13)
        tracemalloc.start()
        enrolled.search(probes, 5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] < 2**21  # bytes, where the scores of all pairs alone are 2.5 MB


def test_count_above_the_gallery_gives_every_row_once():
    indices, _ = enrol(draw_vectors(5, 8)).search(draw_vectors(2, 8, seed=1), 99)
    assert np.sort(indices, axis=1).tolist() == [[0, 1, 2, 3, 4]] * 2


@pytest.mark.parametrize("row_type", KINDS)
def test_nobody_enrolled_or_nobody_asked_gives_nothing(row_type):
    indices, scores = enrol(np.empty((0, 8), dtype=np.float32), row_type).search(draw_vectors(2, 8), 3)
    assert indices.shape == scores.shape == (2, 0)
    assert enrol(draw_vectors(4, 8), row_type).search(np.empty((0, 8)), 3)[0].shape == (0, 3)


@pytest.mark.parametrize("row_type", ["float16", "int8"])
def test_smaller_type_costs_no_more_than_its_bound(row_type):
    vectors, probes = draw_vectors(400, 96), draw_vectors(20, 96, seed=1)
    enrolled = enrol(vectors, row_type)
    indices, scores = enrolled.search(probes, 400)
    true = np.take_along_axis(probes.astype(np.float64) @ vectors.T.astype(np.float64), indices, axis=1)
    bound = 2.0**-11 if row_type == "float16" else enrolled.scale * np.sqrt(96) / 2
    assert 0 < np.abs(scores - true).max() < bound + 1e-6


@given(st.integers(0, 2**32 - 1), st.integers(0, 300), st.integers(1, 20), st.sampled_from(["f4", "i4"]))
@settings(max_examples=30, deadline=None)
def test_scores_that_reach_a_limit_are_found_in_the_order_of_their_rows(seed, n, probes, kind):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 20, (n, probes)).astype(kind)
    limits = rng.integers(10, 22, probes).astype(kind)
    rows, columns = block_scores.list_reached(scores, limits)
    expected = np.nonzero(scores >= limits)
    assert sorted(zip(rows, columns, strict=True)) == list(zip(*expected, strict=True))
    assert (np.diff(rows) >= 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(2, 300))
@settings(max_examples=30, deadline=None)
def test_fast_scores_keep_within_their_bounds(seed, d):
    vectors, probes = draw_vectors(40, d, seed), draw_vectors(11, d, seed + 1)
    for row_type in TYPES:
        rows, scale = quantise(vectors, row_type)
        true = (rows.astype(np.float64) * scale) @ probes.T.astype(np.float64)
        longest = float(np.linalg.norm(rows.astype(np.float64) * scale, axis=1).max())
        kinds = [block_scores.FloatScores] + [block_scores.IntegerScores] * (row_type == "int8")
        for kind in kinds:
            fast = kind.of(probes, scale, longest, *[0.0] * (kind is block_scores.IntegerScores))
            scores = fast.score(rows, np.empty((40, 11), dtype=fast.score_type))
            assert (fast.bound >= longest * d * 2.0**-24).all() or kind is block_scores.IntegerScores
            assert (np.abs(fast.unit * scores - true) <= fast.bound).all()
            assert (scores >= fast.limits(true.min(axis=0))).all()


def test_processor_without_exact_products_of_integers_finds_the_same(monkeypatch):
    enrolled, probes = enrol(draw_vectors(2500, 40), "int8"), draw_vectors(20, 40, seed=1)
    expected = enrolled.search(probes, 9)
    monkeypatch.setattr(gallery, "multiplies_exactly", lambda: False)
    np.testing.assert_equal(enrolled.search(probes, 9), expected)


def test_one_large_value_sets_the_step_of_all():
    rows, scale = quantise(np.float32([[1, 0], [0.6, 0.8]]), "int8")
    assert scale == pytest.approx(1 / 127)
    assert rows.tolist() == [[127, 0], [76, 102]]


def test_names_follow_the_rows():
    enrolled = Gallery(np.eye(3, dtype=np.float32), np.array(["ann", "bob", "ann"]))
    indices, scores = enrolled.search(np.float32([[0.6, 0.0, 0.8]]), 2)
    assert enrolled.names[indices].tolist() == [["ann", "ann"]]
    assert scores.tolist() == [[np.float32(0.8), np.float32(0.6)]]


def test_row_that_was_not_acquired_is_refused(monkeypatch):
    monkeypatch.setattr(quantisation, "CACHED_ROWS", 10)
    rows = draw_vectors(40, 8)
    rows[33] = np.nan
    with pytest.raises(InputError, match="gallery row 33 is not finite: leave out what was not acquired"):
        Gallery(rows, np.full(40, "a"))
    with pytest.raises(InputError, match="leave out what was not acquired"):
        quantise(rows, "int8")
    with pytest.raises(InputError, match="probe row 33 is not finite"):
        enrol(draw_vectors(4, 8)).search(rows, 1)


@pytest.mark.parametrize("row_type", TYPES)
def test_row_that_is_no_unit_vector_is_refused(row_type):
    vectors = draw_vectors(40, 8)
    vectors[7] *= 0.5
    with pytest.raises(InputError, match=r"gallery row 7 has length 0\.5"):
        enrol(vectors, row_type)
    with pytest.raises(InputError, match=r"probe row 7 has length 0\.5"):
        enrol(draw_vectors(4, 8)).search(vectors, 1)


@pytest.mark.parametrize(
    ("rows", "names", "options", "message"),
    [
        (np.eye(3), 3, {}, "float32, float16 or int8, but got float64"),
        (np.ones(3, dtype=np.float32), 3, {}, r"shape \(n, d\)"),
        (np.asfortranarray(draw_vectors(3, 4)), 3, {}, "in row order"),
        (np.eye(3, dtype=np.float32), 2, {}, r"expected 3 names, one a row, but got shape \(2,\)"),
        (np.eye(3, dtype=np.float32), 3, {"scale": 0.5}, "only int8 has a scale"),
        (np.eye(3, dtype=np.int8), 3, {"scale": 0.0}, "a scale above 0"),
        (
            np.eye(3, dtype=np.float32),
            3,
            {"sketch": Sketch.of(draw_vectors(2, 3))},
            r"one of \(2, 3\) beside",
        ),
        (np.eye(3, dtype=np.int8), 3, {"sketch": Sketch.of(draw_vectors(3, 3))}, "beside int8"),
        (np.eye(3, dtype=np.float32), 3, {"scores_held": 0}, "hold at least 1 score"),
    ],
)
def test_gallery_that_does_not_fit_together_is_refused(rows, names, options, message):
    with pytest.raises(InputError, match=message):
        Gallery(rows, np.full(names, "a"), **options)


def test_question_that_cannot_be_asked_is_refused():
    enrolled = enrol(draw_vectors(4, 8))
    with pytest.raises(InputError, match="at least 1 row"):
        enrolled.search(draw_vectors(1, 8), 0)
    with pytest.raises(InputError, match="at least 1 worker"):
        enrolled.search(draw_vectors(1, 8), 1, workers=0)
    with pytest.raises(InputError, match=r"probes of shape \(p, 8\) like the gallery, but got \(1, 9\)"):
        enrolled.search(draw_vectors(1, 9), 1)


def test_matching_is_imported_without_torch():
    code = "import sys, selfsame.matching.identification.gallery; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
