import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from selfsame.errors import MismatchError
from selfsame.iris.codes import compare_iris_codes, encode_iris_codes, phase_bits
from selfsame.iris.normalisation import normalise_iris

HEIGHT, WIDTH = 24, 256


def draw_rows(count, seed=0, seen=1.0):
    """Strips of smooth noise as unlike as two irises; the mask shows a share of the columns."""
    rng = np.random.default_rng(seed)
    waves = np.zeros((count, HEIGHT, WIDTH // 2 + 1), np.complex128)
    waves[..., 1:40] = rng.normal(size=(count, HEIGHT, 39)) + 1j * rng.normal(size=(count, HEIGHT, 39))
    strips = 128 + 4 * np.fft.irfft(waves, norm="forward")
    masks = np.broadcast_to(np.where(np.arange(WIDTH) < seen * WIDTH, 255, 0), strips.shape)
    return np.clip(np.stack([strips, masks], axis=1), 0, 255).astype(np.uint8)


def plain_score(probe, reference, code_settings):
    """The score by its definition, on bits that were never packed."""
    best = np.nan
    for turn in range(-code_settings.max_rotation, code_settings.max_rotation + 1):
        bits, counting = (np.roll(half, turn, axis=0) for half in probe)
        common = counting & reference[1]
        n = common.sum()
        if n >= code_settings.min_share * code_settings.bits:
            distance = (bits != reference[0])[common].mean()
            weight = np.sqrt(n / (code_settings.usual_share * code_settings.bits))
            best = np.fmax(best, 1 - (0.5 - (0.5 - distance) * weight))
    return best


@pytest.mark.parametrize("changes", [{}, {"rings": 3, "wavelengths_deg": (15.0,)}])
def test_packed_scores_are_those_of_unpacked_bits(code_settings, changes):
    chosen = code_settings.model_copy(update=changes)
    rows = draw_rows(5, seen=0.7)
    bits, counting = phase_bits(rows, chosen)
    expected = [
        [plain_score((bits[i], counting[i]), (bits[j], counting[j]), chosen) for j in range(5)]
        for i in range(5)
    ]
    codes = encode_iris_codes(rows, chosen)
    np.testing.assert_allclose(compare_iris_codes(codes, codes, chosen), expected, atol=1e-6)


def test_packing_keeps_every_bit_and_adds_none_that_counts(code_settings):
    chosen = code_settings.model_copy(update={"rings": 3, "wavelengths_deg": (15.0,)})
    rows = draw_rows(2)
    _, counting = phase_bits(rows, chosen)
    codes = encode_iris_codes(rows, chosen)
    assert codes.shape == (2, 2, chosen.words)
    assert codes.flags.c_contiguous
    np.testing.assert_array_equal(
        np.bitwise_count(codes[:, 1]).sum(axis=1), counting.reshape(2, -1).sum(axis=1)
    )


@given(st.integers(-16, 16))
@settings(deadline=None, max_examples=15)
def test_rotation_within_the_range_does_not_matter(code_settings, steps):
    rows = draw_rows(1)
    turned = np.roll(rows, steps * WIDTH // code_settings.directions, axis=3)
    codes = encode_iris_codes(np.concatenate([rows, turned]), code_settings)
    scores = compare_iris_codes(codes, codes, code_settings)
    assert scores[0, 1] == pytest.approx(scores[0, 0], abs=1e-3)


def test_rotation_beyond_the_range_is_another_iris(code_settings):
    rows = draw_rows(1)
    codes = encode_iris_codes(np.concatenate([rows, np.roll(rows, WIDTH // 3, axis=3)]), code_settings)
    same, turned = compare_iris_codes(codes, codes, code_settings)[0]
    assert turned < 0.6 < same


@given(st.integers(0, 1000), st.floats(0.3, 1.0))
@settings(deadline=None, max_examples=15)
def test_scores_are_symmetric(code_settings, seed, seen):
    rows = np.concatenate([draw_rows(2, seed), draw_rows(2, seed + 1, seen)])
    codes = encode_iris_codes(rows, code_settings)
    scores = compare_iris_codes(codes, codes, code_settings)
    np.testing.assert_allclose(scores, scores.T, atol=1e-6)


def test_an_iris_is_most_like_itself(code_settings):
    codes = encode_iris_codes(draw_rows(12), code_settings)
    scores = compare_iris_codes(codes, codes, code_settings)
    assert (scores.argmax(axis=1) == np.arange(12)).all()
    others = scores[~np.eye(12, dtype=bool)]
    assert others.max() < 0.65 < 0.9 < np.diag(scores).min()


def test_what_is_hidden_does_not_matter(code_settings):
    rows = draw_rows(1, seen=0.6)
    defaced = rows.copy()
    defaced[:, 0][rows[:, 1] == 0] = 255
    codes = encode_iris_codes(np.concatenate([rows, defaced]), code_settings)
    np.testing.assert_array_equal(codes[0], codes[1])


def test_brightness_and_contrast_do_not_matter(code_settings):
    rows = draw_rows(2)
    darker = rows.copy()
    darker[:, 0] = rows[:, 0] // 2 + 20
    scores = compare_iris_codes(
        encode_iris_codes(rows, code_settings), encode_iris_codes(darker, code_settings), code_settings
    )
    own = compare_iris_codes(*[encode_iris_codes(rows, code_settings)] * 2, code_settings)
    assert np.diag(scores) == pytest.approx(np.diag(own), abs=0.05)


def test_agreement_on_fewer_bits_is_worth_less(code_settings):
    """Daugman's rescaling: identical codes score 0.5 + 0.5 sqrt(n / N)."""
    scores = []
    for seen in (0.25, 0.5, 1.0):
        codes = encode_iris_codes(draw_rows(1, seen=seen), code_settings)
        n = np.bitwise_count(codes[0, 1]).sum()
        usual = code_settings.usual_share * code_settings.bits
        scores.append(float(compare_iris_codes(codes, codes, code_settings)[0, 0]))
        assert scores[-1] == pytest.approx(0.5 + 0.5 * np.sqrt(n / usual), abs=1e-5)
    assert scores == sorted(scores)


def test_no_bits_in_common_give_no_score(code_settings):
    still = code_settings.model_copy(update={"max_rotation_deg": 0.0})
    left, right = draw_rows(1, seen=0.5), draw_rows(1, seen=0.5)
    right[:, 1] = 255 - right[:, 1]
    codes = encode_iris_codes(np.concatenate([left, right]), still)
    scores = compare_iris_codes(codes, codes, still)
    assert np.isfinite(np.diag(scores)).all()
    assert np.isnan(scores[0, 1])
    assert np.isnan(scores[1, 0])


def test_iris_that_is_all_hidden_or_even_scores_with_nobody(code_settings):
    rows = draw_rows(3)
    rows[0, 1], rows[1, 0] = 0, 90
    codes = encode_iris_codes(rows, code_settings)
    scores = compare_iris_codes(codes, codes, code_settings)
    assert np.isnan(scores[:2]).all()
    assert np.isfinite(scores[2, 2])


def test_many_references_give_the_scores_of_each(code_settings):
    """More than one block, and the last one not full."""
    gallery = np.tile(encode_iris_codes(draw_rows(7), code_settings), (150, 1, 1))
    scores = compare_iris_codes(gallery[:3], gallery, code_settings)
    assert scores.shape == (3, 1050)
    np.testing.assert_array_equal(scores.reshape(3, 150, 7), np.repeat(scores[:, None, :7], 150, axis=1))


def test_code_does_not_depend_on_its_neighbours(code_settings):
    rows = draw_rows(130)
    np.testing.assert_array_equal(
        encode_iris_codes(rows, code_settings)[-1:], encode_iris_codes(rows[-1:], code_settings)
    )


def test_nothing_to_encode_or_compare_is_empty(code_settings):
    none = encode_iris_codes(np.zeros((0, 2, HEIGHT, WIDTH), np.uint8), code_settings)
    some = encode_iris_codes(draw_rows(2), code_settings)
    assert none.shape == (0, 2, code_settings.words)
    assert compare_iris_codes(none, some, code_settings).shape == (0, 2)
    assert compare_iris_codes(some, none, code_settings).shape == (2, 0)


@pytest.mark.parametrize("size", [(24, 200), (48, 256), (64, 512)])
def test_strips_of_any_size_are_encoded(draw_eye, code_settings, size):
    """Two pictures of one eye, dilated and turned, and one of another."""
    eyes = (draw_eye(), draw_eye(pupil=(158.0, 118.0, 29.0), turn_rad=0.3), draw_eye(seed=9))
    strips = [normalise_iris(eye, height=size[0], width=size[1]) for eye in eyes]
    rows = np.stack([np.stack([strip.image, strip.mask]) for strip in strips])
    codes = encode_iris_codes(rows, code_settings)
    own, other = compare_iris_codes(codes[:1], codes[1:], code_settings)[0]
    assert other < 0.65 < own


@pytest.mark.parametrize(
    "rows", [np.zeros((3, 48, 256), np.uint8), np.zeros((3, 1, 48, 256), np.uint8), np.zeros((3, 2, 48, 256))]
)
def test_rows_without_a_mask_or_of_another_type_are_refused(code_settings, rows):
    with pytest.raises(ValueError, match=r"expected \(n, 2, height, width\) uint8 .* got"):
        encode_iris_codes(rows, code_settings)


def test_codes_of_other_settings_are_refused(code_settings):
    codes = encode_iris_codes(draw_rows(2), code_settings)
    other = code_settings.model_copy(update={"directions": 64})
    with pytest.raises(MismatchError, match=r"expected references of .* encode the captures anew"):
        compare_iris_codes(encode_iris_codes(draw_rows(2), other), codes, other)


@pytest.mark.parametrize(
    "change",
    [
        {"rings": 0},
        {"directions": 100},
        {"wavelengths_deg": ()},
        {"wavelengths_deg": (400.0,)},
        {"fragile_share": 1.0},
        {"max_rotation_deg": 180.0},
        {"min_share": 0.0},
        {"radius": 3},
    ],
)
def test_settings_out_of_range_are_refused(code_settings, change):
    with pytest.raises(ValidationError, match=next(iter(change))):
        type(code_settings)(**{**code_settings.model_dump(), **change})
