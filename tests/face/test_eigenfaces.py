import numpy as np
import pytest
from sklearn.decomposition import PCA

from selfsame.errors import InputError, MismatchError
from selfsame.face.eigenfaces import EigenfaceSettings, fit_eigenfaces

RNG = np.random.default_rng(3)
FACES = RNG.integers(0, 256, (30, 8, 7), dtype=np.uint8)


def fit(rows=FACES, components=10, whitening=False):
    return fit_eigenfaces(rows, EigenfaceSettings(components=components, whitening=whitening))


@pytest.mark.parametrize("rows", [FACES, RNG.integers(0, 256, (90, 4, 5), dtype=np.uint8)])
@pytest.mark.parametrize("whitening", [False, True])
def test_coordinates_are_those_of_scikit_learn_but_for_signs(rows, whitening):
    ours = fit(rows, whitening=whitening).project(rows)
    theirs = PCA(10, whiten=whitening, svd_solver="full").fit_transform(rows.reshape(len(rows), -1) / 1.0)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), rtol=1e-3, atol=1e-2)  # float32 of 0..255


def test_explained_share_is_that_of_scikit_learn():
    theirs = PCA(10).fit(FACES.reshape(30, -1) / 1.0).explained_variance_ratio_.sum()
    assert fit().explained_share == pytest.approx(theirs, rel=1e-5)


def test_embeddings_have_unit_length_and_the_mean_face_none():
    faces = fit()
    lengths = np.linalg.norm(faces.embed(FACES), axis=1)
    np.testing.assert_allclose(lengths, 1, rtol=1e-5)
    assert not faces.embed(faces.mean[None]).any()
    assert faces.embed(FACES).dtype == np.float32


def test_components_are_bounded_by_the_faces_less_one():
    assert len(fit(components=500).variances) == 29


def test_order_of_the_training_faces_does_not_matter():
    shuffled = fit(RNG.permutation(FACES))
    np.testing.assert_allclose(fit().embed(FACES), shuffled.embed(FACES), atol=1e-3)


def test_copies_of_one_face_are_refused():
    with pytest.raises(InputError, match="expected faces that differ, got 5 copies of one"):
        fit(np.repeat(FACES[:1], 5, axis=0))


def test_single_face_is_refused():
    with pytest.raises(InputError, match="expected two or more faces to learn eigenfaces from, got 1"):
        fit(FACES[:1])


def test_faces_of_another_size_are_refused():
    with pytest.raises(MismatchError, match="expected faces of 56 pixels as in the eigenfaces, got 64"):
        fit().project(np.zeros((1, 8, 8), np.uint8))
