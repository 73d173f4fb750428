import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from selfsame.errors import CaptureError
from selfsame.imaging.decoding import decode_grey
from selfsame.iris.codes import compare_iris_codes, encode_iris_codes
from selfsame.iris.normalisation import normalise_iris

pytestmark = pytest.mark.real

PARAMETERS = Path(__file__).parents[2] / "conf/base/parameters_preprocessing.yml"
SHIPPED = yaml.safe_load(PARAMETERS.read_text())["biometrics"]["iris_left"]["preprocessing"]["normalisation"]
SIZE = SHIPPED["height"], SHIPPED["width"]


@pytest.fixture(scope="module")
def eyes(real_captures):
    """(subject, side, result) of every eye of the real set, by side and subject; None where it failed."""
    files = [
        path
        for path in real_captures.rglob("*")
        if re.search(r"/(left|right)/[^/]+\.bmp$", path.as_posix(), re.IGNORECASE)
    ]
    height, width = SIZE
    results = []
    for path in sorted(files, key=lambda path: (path.parent.name, int(path.parent.parent.name), path.name)):
        image = decode_grey(path.read_bytes(), max_pixels=1_000_000)
        try:
            result = normalise_iris(image, height=height, width=width)
        except CaptureError:
            result = None
        results.append((int(path.parent.parent.name), path.parent.name, result))
    assert len(results) == 450
    return results


@pytest.fixture(scope="module")
def measures(eyes):
    return [None if result is None else result.measures for _, _, result in eyes]


@pytest.fixture(scope="module")
def scores(eyes, code_settings):
    """The scores among all left and among all right eyes, (225, 225) each, and whose the eyes are."""
    found = [
        np.zeros((2, *SIZE), np.uint8) if one is None else np.stack([one.image, one.mask]) for *_, one in eyes
    ]
    codes = encode_iris_codes(np.stack(found), code_settings).reshape(2, 225, 2, -1)
    people = np.array([subject for subject, _, _ in eyes]).reshape(2, 225)
    np.testing.assert_array_equal(people[0], people[1])
    return [np.nan_to_num(compare_iris_codes(one, one, code_settings)) for one in codes], people[0]


def split_pairs(scores, people):
    """Mated and non-mated scores of all unordered pairs."""
    first, second = np.triu_indices(len(people), 1)
    same = people[first] == people[second]
    return scores[first, second][same], scores[first, second][~same]


def false_non_matches(mated, non_mated, fmr):
    """FNMR at the lowest threshold whose FMR is at most this."""
    ranked = np.sort(non_mated)[::-1]
    return (mated <= ranked[int(fmr * len(ranked))]).mean()


def error_at_equal_rates(mated, non_mated):
    """The FMR at which FNMR is no larger, over a fine grid of FMRs."""
    return next(fmr for fmr in np.arange(0, 0.5, 1e-4) if false_non_matches(mated, non_mated, fmr) <= fmr)


def rank_1(scores, people):
    """The share of the later captures that are most like the first capture of their own person."""
    first = np.arange(0, 225, 5)
    later = np.setdiff1d(np.arange(225), first)
    return (people[first][scores[np.ix_(later, first)].argmax(axis=1)] == people[later]).mean()


def test_nearly_every_real_eye_is_normalised(measures):
    assert sum(found is not None for found in measures) >= 0.98 * len(measures)


def test_circles_of_real_eyes_are_those_of_eyes(measures):
    found = [one for one in measures if one is not None]
    sane = [
        one
        for one in found
        if 0.2 < one["dilation"] < 0.75
        and 45 < one["limbus_radius"] < 70
        and np.hypot(one["pupil_x"] - one["limbus_x"], one["pupil_y"] - one["limbus_y"])
        < 0.15 * one["limbus_radius"]
        and 0 < one["pupil_x"] < 320
        and 0 < one["pupil_y"] < 240
    ]
    assert len(sane) >= 0.98 * len(measures)


def test_one_eye_tells_people_apart(scores):
    (left, right), people = scores
    pairs = zip(split_pairs(left, people), split_pairs(right, people), strict=True)
    mated, non_mated = (np.concatenate(kind) for kind in pairs)
    assert (len(mated), len(non_mated)) == (900, 49_500)
    assert error_at_equal_rates(mated, non_mated) <= 0.010
    assert false_non_matches(mated, non_mated, 1e-3) <= 0.020
    assert (rank_1(left, people) + rank_1(right, people)) / 2 >= 0.98


def test_two_eyes_tell_people_apart(scores):
    (left, right), people = scores
    assert error_at_equal_rates(*split_pairs(left + right, people)) <= 0.002
    assert rank_1(left + right, people) == 1
