"""What all machines of a cluster have to share is said, and compared."""

import subprocess
import sys

import cv2
import pytest

from selfsame import __version__
from selfsame.errors import InputError
from selfsame.shards.toolchain import describe_toolchain, require_toolchain


def test_the_toolchain_names_the_project_and_the_libraries_that_decide_pixels() -> None:
    said = describe_toolchain()
    assert said.startswith(f"selfsame {__version__} (code ")
    assert f"OpenCV {cv2.__version__}" in said


def test_another_process_of_the_same_installation_says_the_same_and_is_accepted() -> None:
    say = "from selfsame.shards import toolchain; print(toolchain.describe_toolchain())"
    said = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True).stdout
    assert said.strip() == describe_toolchain()
    require_toolchain(said.strip())


def test_another_toolchain_is_refused_with_both_named() -> None:
    with pytest.raises(
        InputError, match=r"expected workers with selfsame 0\.0\.9, .* has selfsame .*restart"
    ):
        require_toolchain("selfsame 0.0.9")
