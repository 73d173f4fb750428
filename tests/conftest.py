"""What all tests share: where real data is, if there is any."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_captures() -> Path:
    """The root of the real iris and fingerprint set, or a skip that says how to provide it."""
    folder = os.environ.get("SELFSAME_TEST_DATA", "")
    root = Path(folder) / "iris_fingerprint"
    if not folder or not root.is_dir():
        pytest.skip("real data absent: set SELFSAME_TEST_DATA to a folder that holds iris_fingerprint/")
    return root
