"""Pairs that agree on one motion outweigh those that do not."""

import numpy as np
import pytest

from selfsame.fingerprint.encoding import encode_prints
from selfsame.fingerprint.relaxation import (
    Candidates,
    choose_candidates,
    measure_support,
    relax,
    select_pairs,
)
from selfsame.fingerprint.template import unpack


@pytest.fixture(scope="module")
def turned(ridges, scattered, settings):
    """A print and the same print turned and moved, with the true pairs of their minutiae."""
    turn, shift = np.deg2rad(25), (8.0, -5.0)
    rows = np.stack([ridges(scattered(2)), ridges(scattered(2), turn_rad=turn, shift=shift)])
    probe, reference = (unpack(encode_prints(row[None], settings), settings) for row in rows)
    middle = 160 + 160j
    moved = (probe.place[0] - middle) * np.exp(1j * turn) + complex(*shift) + middle
    apart = np.abs(moved[:, None] - reference.place[0])
    own = np.flatnonzero(apart.min(axis=1) < 4)
    return probe, reference, own, apart.argmin(axis=1)[own]


def test_a_wrong_pair_loses_weight_against_the_true_ones(turned, settings):
    probe, reference, own, other = turned
    wrong = other.copy()
    wrong[0] = other[5]
    pairs = Candidates(own[None], wrong[None], np.full((1, own.size), 0.6, np.float32))
    support = measure_support(pairs, probe, reference, settings.relaxation)
    weight = relax(pairs, support, settings.relaxation)
    assert weight[0, 0] < 0.2 * np.median(weight)


def test_support_is_full_between_true_pairs_and_none_with_itself(turned, settings):
    probe, reference, own, other = turned
    pairs = Candidates(own[None], other[None], np.ones((1, own.size), np.float32))
    support = measure_support(pairs, probe, reference, settings.relaxation)[0]
    assert (np.diag(support) == 0).all()
    assert np.median(support) > 0.9


def test_selected_pairs_use_every_minutia_once(turned, settings):
    probe, reference, own, other = turned
    doubled = Candidates(
        np.concatenate([own, own])[None],
        np.concatenate([other, other])[None],
        np.full((1, 2 * own.size), 0.5, np.float32),
    )
    support = measure_support(doubled, probe, reference, settings.relaxation)
    weight = relax(doubled, support, settings.relaxation)
    _, selected = select_pairs(doubled, weight, np.array([own.size]), settings.relaxation)
    chosen = doubled.own[0][selected[0]]
    assert len(set(chosen)) == chosen.size
    assert settings.relaxation.least_pairs <= chosen.size <= settings.relaxation.most_pairs


def test_the_most_alike_pairs_are_chosen(settings):
    alike = np.random.default_rng(0).random((3, 20, 15)).astype(np.float32)
    pairs = choose_candidates(alike, settings.relaxation)
    kept = settings.relaxation.candidates
    expected = np.sort(alike.reshape(3, -1), axis=1)[:, -kept:]
    assert np.sort(pairs.similarity, axis=1).tolist() == expected.tolist()
    assert alike[1][pairs.own[1], pairs.other[1]].tolist() == pairs.similarity[1].tolist()
