"""Modules that can do without a part of Unix are imported without it."""

import subprocess
import sys


def test_modules_that_measure_or_limit_are_imported_where_the_system_has_no_limits() -> None:
    modules = "selfsame.datasets.shard_files, selfsame.learning.reading, selfsame.benchmarking.pace"
    code = f"import sys; sys.modules['resource'] = None; import {modules}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
