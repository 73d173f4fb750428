"""The behaviour of the whole comparison on drawn prints with known minutiae."""

import numpy as np
import pytest

from selfsame.errors import MismatchError
from selfsame.fingerprint.comparison import BLOCK, compare_prints
from selfsame.fingerprint.comparison_settings import PrintComparison
from selfsame.fingerprint.encoding import encode_prints

SUMS = 2e-3
"""Sums of another size add up in another order, which the root of a difference of equal sums shows."""


@pytest.fixture(scope="module")
def gallery(ridges, scattered, settings):
    """Four fingers upright, then the same four turned, moved and with a part less."""
    rows = [ridges(scattered(seed)) for seed in range(4)]
    rows += [
        ridges(scattered(seed), turn_rad=0.3 - 0.15 * seed, shift=(9.0, -6.0), radius=120.0)
        for seed in range(4)
    ]
    return encode_prints(np.stack(rows), settings)


@pytest.fixture(scope="module")
def scores(gallery, settings):
    return compare_prints(gallery, gallery, settings)


def test_moved_prints_find_their_finger(scores):
    assert scores[4:, :4].argmax(axis=1).tolist() == [0, 1, 2, 3]


def test_mated_scores_are_far_above_the_others(scores):
    fingers = np.arange(8) % 4
    mated = fingers[:, None] == fingers
    assert scores[mated].min() > 2 * scores[~mated].max()


def test_nothing_is_more_alike_than_a_print_itself(scores):
    assert (scores.argmax(axis=1) == np.arange(8)).all()


def test_score_is_nearly_the_same_the_other_way_round(scores):
    # The points that are compared lie on the probe's grid: that alone differs.
    assert scores == pytest.approx(scores.T, rel=0.1, abs=0.03)


def test_a_batch_scores_as_one_by_one(gallery, scores, settings):
    single = [[compare_prints(one[None], two[None], settings)[0, 0] for two in gallery] for one in gallery]
    assert np.array(single) == pytest.approx(scores, rel=SUMS, abs=1e-5)


def test_galleries_of_more_than_one_block_are_compared_whole(gallery, scores, settings):
    many = np.concatenate([gallery] * (BLOCK // len(gallery) + 1))
    found = compare_prints(gallery[:2], many, settings)
    assert found == pytest.approx(np.tile(scores[:2], BLOCK // len(gallery) + 1), rel=SUMS, abs=1e-5)


def test_order_of_references_does_not_matter(gallery, scores, settings):
    order = np.random.default_rng(0).permutation(8)
    assert compare_prints(gallery, gallery[order], settings) == pytest.approx(
        scores[:, order], rel=SUMS, abs=1e-5
    )


def test_inverted_print_is_recognised(ridges, scattered, gallery, scores, settings):
    array = ridges(scattered(0))
    inverted = encode_prints(np.stack([255 - array[0], array[1]])[None], settings)
    found = compare_prints(inverted, gallery[:4], settings)[0]
    assert found[0] > 0.8 * scores[0, 0]
    assert found.argmax() == 0


def test_resolution_of_the_array_does_not_matter(ridges, scattered, gallery, scores, settings):
    coarse = settings.model_copy(update={"resolution_dpi": 250.0})
    small = ridges(scattered(0), side=320)[:, ::2, ::2]
    found = compare_prints(encode_prints(small[None], coarse), gallery[:4], coarse)[0]
    assert found.argmax() == 0
    assert found[0] > 0.8 * scores[0, 0]


@pytest.mark.parametrize("empty", ["mask", "ridges", "minutiae"])
def test_a_print_without_minutiae_is_compared_with_nothing(empty, ridges, scattered, gallery, settings):
    array = ridges(scattered(0) if empty != "minutiae" else np.empty((0, 3)), bend_px=np.inf)
    if empty == "mask":
        array[1] = 0
    if empty == "ridges":
        array[0] = 128
    template = encode_prints(array[None], settings)
    assert np.isnan(compare_prints(template, gallery, settings)).all()
    assert np.isnan(compare_prints(gallery, template, settings)).all()


def test_templates_survive_as_bytes(gallery, scores, settings):
    again = np.frombuffer(gallery.tobytes(), gallery.dtype).reshape(gallery.shape)
    assert gallery.flags.c_contiguous
    assert np.array_equal(compare_prints(again, again, settings), scores)


def test_encoding_is_repeatable_and_each_print_by_itself(ridges, scattered, gallery, settings):
    assert np.array_equal(encode_prints(ridges(scattered(2))[None], settings)[0], gallery[2])


def test_no_prints_give_no_scores(gallery, settings):
    assert encode_prints(np.zeros((0, 2, 64, 64), np.uint8), settings).shape == (0, gallery.shape[1])
    assert compare_prints(gallery[:0], gallery, settings).shape == (0, 8)
    assert compare_prints(gallery, gallery[:0], settings).shape == (8, 0)


def test_templates_of_other_settings_are_refused(gallery, settings):
    minutiae = settings.minutiae.model_copy(update={"most": 40})
    other = settings.model_copy(update={"minutiae": minutiae})
    with pytest.raises(MismatchError, match=r"expected templates of .* encode the prints again"):
        compare_prints(gallery, gallery, other)


def test_unknown_settings_are_refused(settings):
    with pytest.raises(ValueError, match="Extra inputs"):
        PrintComparison(**settings.model_dump(), sharpness=1.0)
