"""The products of matrices give what the paper's formula gives cell by cell."""

import numpy as np
import pytest

from selfsame.fingerprint.encoding import encode_prints
from selfsame.fingerprint.local_similarity import compare_cylinders
from selfsame.fingerprint.template import unpack


@pytest.fixture(scope="module")
def templates(ridges, scattered, settings):
    rows = np.stack([ridges(scattered(0)), ridges(scattered(1), radius=110.0)])
    return encode_prints(rows, settings)


def test_similarity_is_that_of_the_formula(templates, settings):
    probe, references = unpack(templates[:1], settings), unpack(templates, settings)
    alike = compare_cylinders(probe, references, settings.relaxation)
    sections = settings.cylinders.sections
    checked = 0
    for own in range(probe.count[0]):
        for other in range(references.count[1]):
            if alike[1, own, other] == 0:
                continue
            common = (probe.valid[0, own] * references.valid[1, other]).repeat(sections) > 0
            first, second = probe.cells[0, own][common], references.cells[1, other][common]
            sizes = np.linalg.norm(first) + np.linalg.norm(second)
            expected = 1 - np.linalg.norm(first - second) / sizes
            assert alike[1, own, other] == pytest.approx(expected, abs=1e-4)
            assert common.mean() >= settings.relaxation.least_shared_cells
            checked += 1
    assert checked > 50


def test_a_cylinder_is_most_alike_itself(templates, settings):
    one = unpack(templates[:1], settings)
    alike = compare_cylinders(one, one, settings.relaxation)[0]
    usable = np.flatnonzero(one.usable[0])
    assert alike[usable].argmax(axis=1).tolist() == usable.tolist()
    assert alike[usable, usable] == pytest.approx(1, abs=2e-3)  # the root of a difference of equal sums


def test_minutiae_that_point_apart_are_no_candidates(templates, settings):
    probe, references = unpack(templates[:1], settings), unpack(templates[1:], settings)
    alike = compare_cylinders(probe, references, settings.relaxation)[0]
    turn = np.angle(probe.direction[0][:, None] * references.direction[0].conj())
    assert (alike[np.abs(turn) > settings.relaxation.most_rotation_rad + 1e-3] == 0).all()
