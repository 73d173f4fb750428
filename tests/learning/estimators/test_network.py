import numpy as np
import pytest
import torch

from selfsame.errors import InputError
from selfsame.learning.estimators.face_augmentation import augment_faces
from selfsame.learning.estimators.network import FaceNetwork, NetworkEstimator
from selfsame.learning.estimators.settings import FaceAugmentation

STILL = FaceAugmentation(rotation_deg=0.0, scale=0.0, translation=0.0, lighting=0.0, mirror=False)
FACES = torch.rand(6, 1, 12, 10, generator=torch.Generator().manual_seed(1))


def augment(**changes: float | bool) -> torch.Tensor:
    settings = STILL.model_copy(update=changes)
    return augment_faces(FACES, settings, torch.Generator().manual_seed(3))


def test_augmentation_of_no_strength_changes_nothing():
    torch.testing.assert_close(augment(), FACES)


def test_mirrored_faces_are_the_faces_from_right_to_left():
    shown = augment(mirror=True)
    mirrored = [
        bool(torch.allclose(one, face.flip(-1), atol=1e-5)) for one, face in zip(shown, FACES, strict=True)
    ]
    kept = [bool(torch.allclose(one, face, atol=1e-5)) for one, face in zip(shown, FACES, strict=True)]
    assert all(a != b for a, b in zip(mirrored, kept, strict=True))
    assert any(mirrored)
    assert any(kept)


def test_light_changes_the_sides_and_leaves_the_middle():
    even = torch.full((4, 1, 5, 11), 0.5)
    lit = augment_faces(even, STILL.model_copy(update={"lighting": 0.4}), torch.Generator().manual_seed(2))
    torch.testing.assert_close(lit[..., 5], even[..., 5])
    torch.testing.assert_close(lit[..., 0] + lit[..., -1], torch.ones(4, 1, 5))
    assert (lit[..., 0] - lit[..., -1]).abs().min() > 0


@pytest.mark.parametrize("change", [{"rotation_deg": 20.0}, {"scale": 0.2}, {"translation": 0.1}])
def test_moves_keep_shape_and_range(change):
    moved = augment(**change)
    assert moved.shape == FACES.shape
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert not torch.allclose(moved, FACES)


def test_scores_ignore_brightness_and_contrast(network):
    model = FaceNetwork(network, 12, 10, 3).eval()
    with torch.inference_mode():
        torch.testing.assert_close(model(FACES), model(0.2 + 0.5 * FACES), rtol=1e-3, atol=1e-3)


def test_scores_are_scaled_cosines(network):
    scores = FaceNetwork(network, 12, 10, 3).eval()(FACES)
    assert scores.abs().max() <= network.scale * (1 + 1e-5)


def test_pictures_that_the_stages_would_shrink_away_are_refused(network):
    with pytest.raises(InputError, match="expected pictures of 4 px or more for 2 stages, got 3x9 px"):
        NetworkEstimator(network, 1).fit(np.zeros((4, 3, 9), np.uint8), ["a", "a", "b", "b"])


def test_another_seed_gives_other_weights(network, faces):
    posteriors = []
    for seed in (1, 2):
        estimator = NetworkEstimator(network.model_copy(update={"epochs": 1}), seed)
        estimator.fit(faces[0], list(faces[1]["subject_id"]))
        posteriors.append(estimator.predict_posterior(faces[0]))
    assert np.abs(posteriors[0] - posteriors[1]).max() > 1e-3
