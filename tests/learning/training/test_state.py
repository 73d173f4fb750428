"""The state between two epochs, when the disk is full."""

import re
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Origin
from selfsame.learning.training.state import EpochRecord, RunState, read_state, write_state

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
    return RunState(
        Origin("captures", "splits", {}, "parameters", "code", 7), (record,), False, 1, weights, weights, {}
    )


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


@pytest.mark.parametrize(
    "content",
    [
        torch.zeros(3),
        [1, 2],
        "text",
        {},
        {"origin": 1, "history": []},
        {"origin": {}, "history": []},
        {"origin": vars(make_state(1).origin), "history": 3},
        {"origin": vars(make_state(1).origin), "history": [], "surprise": 1},
    ],
    ids=repr,
)
def test_a_file_that_torch_loads_but_that_is_no_state_is_damaged(tmp_path, content):
    torch.save(content, tmp_path / "state.pt")
    with pytest.raises(DamagedError, match=r"expected the complete state of a training run.*train again"):
        read_state(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n", b"PK\x03\x04", b"{}", bytes(range(256))])
def test_any_other_file_is_damaged(tmp_path, content):
    (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(DamagedError, match="expected the complete state"):
        read_state(tmp_path)


def test_an_altered_number_is_noticed_wherever_it_is(tmp_path):
    write_state(make_state(numbers=10_000), tmp_path)
    path = tmp_path / "state.pt"
    whole = path.read_bytes()
    start = whole.index(bytes(40_000))  # the weights, all zero
    for place in (start, start + 12_345, start + 39_999):
        path.write_bytes(whole[:place] + b"\x01" + whole[place + 1 :])
        with pytest.raises(DamagedError, match=r"\(the checksum of .* is another\): delete it"):
            read_state(tmp_path)
    path.write_bytes(whole)
    assert len(read_state(tmp_path).weights["w"]) == 10_000


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    (tmp_path / "state.pt").write_bytes(b"whatever")

    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        InputError, match=r"to read the state .*got Permission denied: correct its permissions"
    ):
        read_state(tmp_path)
