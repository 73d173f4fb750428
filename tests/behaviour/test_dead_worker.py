"""A capture that kills the process that decodes it, in a run of Kedro with worker processes."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

PROJECT = Path(__file__).parents[2]
FINGER = "s0001/fingerprint/right_index_1.png"

DEADLY = """
import sys
if any("popen_loky" in argument for argument in sys.orig_argv):
    import os, signal
    from selfsame.imaging import decoding
    decode = decoding.decode

    def decode_or_die(data, *, max_pixels):
        if data.endswith(b"deadly"):
            os.kill(os.getpid(), signal.SIGKILL)
        return decode(data, max_pixels=max_pixels)

    decoding.decode = decode_or_die
"""
"""Every worker process reads this when it starts; it dies of a file that ends in a word."""


def run_kedro(root, startup, pipelines, *parameters):
    given = ",".join([f"captures={root / 'captures'}", f"data={root / 'data'}", *parameters])
    command = [sys.executable, "-m", "kedro", "run", "--env", "smoke", "--pipelines", pipelines]
    paths = os.pathsep.join([str(startup), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [*command, f"--params={given}"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.slow
def test_a_capture_that_kills_every_worker_costs_itself_and_the_run_says_so(tmp_path):
    startup = tmp_path / "startup"
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(DEADLY)
    few = "biometrics.synthesis.subjects=2,biometrics.synthesis.presentations.known_subjects=1"
    run_kedro(tmp_path, tmp_path, "synthesis", few)
    capture = tmp_path / "captures" / FINGER
    capture.write_bytes(capture.read_bytes() + b"deadly")  # an image all the same
    done = run_kedro(
        tmp_path,
        startup,
        "data_engineering,preprocessing",
        "biometrics.fingerprint.preprocessing.backend=loky",
    )
    index = pd.read_parquet(tmp_path / "data/04_feature/biometrics/fingerprint/index.parquet")
    failed = index[index["status"] == "failed"]
    assert failed["reason"].tolist() == ["worker_died"]
    assert (failed["subject_id"].tolist(), failed["capture_index"].tolist()) == (["s0001"], [1])
    told = done.stdout + done.stderr
    assert "made again capture by capture: 1 of 8 died again" in told
    assert "not normalised: 1 worker_died" in told
    assert "1 failed to acquire" in told
