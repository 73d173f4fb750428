"""Two runs in one data root: the second stops, whatever becomes of the first."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from selfsame.errors import InputError
from selfsame.hooks.lock import OneRunAtATime
from selfsame.run_lock import HOLDER_NAME, RunLock

HOLD = """
import sys, time
from pathlib import Path
from selfsame.run_lock import RunLock

lock = RunLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds the lock of a root; it may be killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def hook_of(root) -> OneRunAtATime:
    hook = OneRunAtATime()
    loader = SimpleNamespace(runtime_params={"data": str(root)})
    hook.after_context_created(SimpleNamespace(config_loader=loader, project_path=Path("/project")))
    return hook


def test_a_second_run_stops_with_a_line_that_names_the_first(kedro, other, tmp_path, tmp_path_factory):
    captures = tmp_path_factory.mktemp("captures")
    (captures / "a.bmp").write_bytes(b"x")
    done = kedro("--pipelines", "data_engineering", f"--params=data={tmp_path},captures={captures}")
    said = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 1
    assert len(said) == 1
    assert f"process {other.pid} on {os.uname().nodename}, started 20" in said[0]
    assert "--params=data=PATH" in said[0]
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == [".run.json", ".run.lock"]


def test_the_lock_does_not_outlive_a_killed_run(other, tmp_path):
    lock = RunLock(tmp_path)
    with pytest.raises(InputError, match=f"process {other.pid} "):
        lock.acquire()
    other.send_signal(signal.SIGKILL)
    other.wait()
    lock.acquire()
    assert json.loads((tmp_path / ".run.json").read_text())["process"] == os.getpid()
    lock.release()


def test_an_interrupted_process_takes_its_name_away(tmp_path):
    ended = HOLD.replace("time.sleep(600)", "raise KeyboardInterrupt")
    subprocess.run([sys.executable, "-c", ended, str(tmp_path)], capture_output=True, check=False)
    assert [path.name for path in tmp_path.iterdir()] == [".run.lock"]


def test_of_runs_that_start_at_the_same_moment_one_gets_the_lock(tmp_path):
    gate = tmp_path / "gate"
    waiting = "import os, sys\nwhile not os.path.exists(sys.argv[2]): pass\n" + HOLD
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", waiting, str(tmp_path / "root"), str(gate)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    gate.touch()
    lost = [racer for racer in racers if racer.stdout.readline() != "held\n"]
    said = [racer.communicate()[1] for racer in lost]
    for racer in racers:
        racer.kill()
        racer.communicate()
    assert len(lost) == 2
    assert all("expected to be the only run in" in text for text in said)


def test_runs_in_other_roots_are_free(other, tmp_path):
    lock = RunLock(tmp_path / "another")
    lock.acquire()
    lock.release()
    assert [path.name for path in (tmp_path / "another").iterdir()] == [".run.lock"]


def test_a_run_that_has_not_said_who_it_is_stops_others_as_well(other, tmp_path):
    (tmp_path / ".run.json").write_text('{"process"')
    with pytest.raises(InputError, match="it has only just started"):
        RunLock(tmp_path).acquire()


@pytest.mark.parametrize("end", ["after_pipeline_run", "on_pipeline_error"])
def test_the_hook_takes_the_lock_before_a_run_and_gives_it_back_after(tmp_path, end):
    hook = hook_of(tmp_path)
    hook.before_pipeline_run()
    with pytest.raises(InputError, match=f"process {os.getpid()} "):
        RunLock(tmp_path).acquire()
    getattr(hook, end)()
    RunLock(tmp_path).acquire()


def test_after_an_interrupt_the_same_process_may_run_again(tmp_path):
    hook = hook_of(tmp_path)
    hook.before_pipeline_run()  # an interrupt is no error to Kedro: no hook hears of it
    hook.before_pipeline_run()
    hook.after_pipeline_run()
    assert not (tmp_path / HOLDER_NAME).exists()


@pytest.mark.parametrize("name", ["RANK", "LOCAL_RANK", "NODE_RANK"])
def test_the_processes_of_a_distributed_run_share_the_lock_of_the_first(tmp_path, monkeypatch, name):
    first = hook_of(tmp_path)
    first.before_pipeline_run()
    monkeypatch.setenv(name, "1")
    second = hook_of(tmp_path)
    second.before_pipeline_run()
    second.after_pipeline_run()
    monkeypatch.setenv(name, "0")
    with pytest.raises(InputError, match="the only run"):
        second.before_pipeline_run()


def test_opening_the_project_without_running_it_takes_no_lock(tmp_path):
    hook_of(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_remote_root_has_no_lock_and_the_log_says_so(caplog):
    with caplog.at_level(logging.INFO):
        hook_of("s3://bucket/data").before_pipeline_run()
    assert [record.message for record in caplog.records] == [
        "no lock is kept in s3://bucket/data: start no second run there"
    ]


def test_a_root_that_cannot_be_written_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(
        InputError, match=r"expected to write in .*, but it is a file: choose another data root"
    ):
        RunLock(tmp_path / "file").acquire()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EACCES, "permission denied: let yourself write there, or choose another data root"),
        (errno.ENOSPC, "no space left on device: make room there, or choose"),
        (errno.EROFS, "read-only file system: choose"),
        (errno.ENOENT, r"no folder can be made or written there \(no such file or directory\): choose"),
    ],
)
def test_why_a_root_cannot_be_written_decides_the_advice(tmp_path, monkeypatch, number, said):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=f"expected to write in .*, but {said}"):
        RunLock(tmp_path / "root").acquire()
