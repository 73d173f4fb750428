"""The state between two epochs, when the disk is full."""

import re
import resource
from collections.abc import Iterator

import pytest
import torch

from selfsame.errors import InputError
from selfsame.learning.checkpoint import Origin
from selfsame.learning.state import EpochRecord, RunState, read_state, write_state

LIMIT_BYTES = 100_000


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let no file of this process grow over a limit: as on a full disk, a write fails half-way."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def make_state(numbers: int) -> RunState:
    weights = {"w": torch.zeros(numbers)}
    record = EpochRecord(1, 0.5, None, 0.5, 0.1, 1.0, 10.0)
    return RunState(Origin("data", "parameters", "code", 7), (record,), False, 1, weights, weights, {})


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_told_in_one_line_and_the_old_state_is_kept(tmp_path):
    write_state(make_state(numbers=10), tmp_path)
    with pytest.raises(
        InputError, match=f"^expected to write the state .*{re.escape(str(tmp_path))}.*free space"
    ) as caught:
        write_state(make_state(numbers=LIMIT_BYTES), tmp_path)
    assert "\n" not in str(caught.value)
    assert len(read_state(tmp_path).weights["w"]) == 10
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]
