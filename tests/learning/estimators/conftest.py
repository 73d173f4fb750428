import numpy as np
import pandas as pd
import pytest

from selfsame.learning.estimators.settings import Network, PcaBayes, PcaSvm

PEOPLE, CAPTURES, SIDE = 5, 6, 16


@pytest.fixture(scope="session")
def faces() -> tuple[np.ndarray, pd.DataFrame]:
    """Pictures of five people, each a pattern of its own under noise, and whose they are."""
    rng = np.random.default_rng(11)
    patterns = rng.normal(128, 40, (PEOPLE, 1, SIDE, SIDE))
    images = patterns + rng.normal(0, 30, (PEOPLE, CAPTURES, SIDE, SIDE))
    captures = pd.DataFrame(
        {
            "capture_id": [f"{k:02d}" for k in range(PEOPLE * CAPTURES)],
            "subject_id": [f"s{k}" for k in range(PEOPLE) for _ in range(CAPTURES)],
        }
    )
    return np.clip(images, 0, 255).astype(np.uint8).reshape(-1, SIDE, SIDE), captures


@pytest.fixture(scope="session")
def svm() -> PcaSvm:
    return PcaSvm(
        kind="pca_svm", components=10, whitening=False, cost=10.0, calibration="temperature", folds=3
    )


@pytest.fixture(scope="session")
def bayes() -> PcaBayes:
    return PcaBayes(
        kind="pca_bayes",
        components=10,
        whitening=False,
        prior_variances=(10.0, 1000.0),
        temperatures=(0.001, 1.0),
        folds=3,
        draws=40,
    )


@pytest.fixture(scope="session")
def network() -> Network:
    return Network.model_validate(
        {
            "kind": "network",
            "channels": (4, 8),
            "embedding_size": 8,
            "dropout": 0.0,
            "epochs": 15,
            "batch_size": 10,
            "learning_rate": 0.02,
            "weight_decay": 0.0,
            "warm_up": 0.2,
            "scale": 8.0,
            "label_smoothing": 0.05,
            "augmentation": {
                "rotation_deg": 2.0,
                "scale": 0.02,
                "translation": 0.02,
                "lighting": 0.1,
                "mirror": False,
            },
            "device": "cpu",
            "threads": 1,
        }
    )
