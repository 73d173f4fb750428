"""The short form of the benchmarks: `make bench`, on benchmarks that are made up."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]

CLAIMING = """
import json, sys
from pathlib import Path
if __name__ == "__main__":
    assert sys.argv[1] == "--short"
    claims = [{"text": "fast", "holds": True}, {"text": "faster", "holds": HOLDS}]
    Path(sys.argv[3]).write_text(json.dumps({"claims": claims}))
    sys.exit(0 if HOLDS else 1)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "benchmarks").mkdir()
    shutil.copy(PROJECT / "benchmarks/all.py", tmp_path / "benchmarks")
    (tmp_path / "benchmarks/shared.py").write_text("raise SystemExit('no benchmark')\n")
    return tmp_path / "benchmarks"


def add(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "all.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_claims_of_all_benchmarks_are_counted(folder: Path) -> None:
    add(folder, "first", CLAIMING.replace("HOLDS", "True"))
    add(folder, "second", CLAIMING.replace("HOLDS", "False"))
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert "2 benchmarks" in done.stdout
    assert "3 claims hold, 1 do not, 0 crashed" in done.stdout
    assert "does not hold: second: faster" in done.stdout
    assert json.loads((folder.parent / "build/benchmarks/first.json").read_text())["claims"]


def test_a_crash_is_named_and_does_not_stop_the_others(folder: Path) -> None:
    add(folder, "first", "if __name__ == \"__main__\":\n    raise RuntimeError('no such thing')\n")
    add(folder, "second", CLAIMING.replace("HOLDS", "True"))
    figures = folder.parent / "build/benchmarks/first.json"
    figures.parent.mkdir(parents=True)
    figures.write_text('{"claims": []}')  # of an earlier run
    done = run(folder)
    assert done.returncode == 1
    assert "crashed: first" in done.stdout
    assert "2 claims hold" in done.stdout
    assert "no such thing" in figures.with_suffix(".log").read_text()


def test_one_benchmark_can_be_run_alone(folder: Path) -> None:
    add(folder, "first", CLAIMING.replace("HOLDS", "True"))
    add(folder, "second", 'if __name__ == "__main__":\n    raise RuntimeError\n')
    assert run(folder, "--only", "first").returncode == 0


def test_the_readme_of_the_benchmarks_names_every_one() -> None:
    text = (PROJECT / "benchmarks/README.md").read_text()
    scripts = {
        path.name
        for path in (PROJECT / "benchmarks").glob("*.py")
        if '__name__ == "__main__"' in path.read_text()
    }
    assert {name for name in scripts if f"`{name}`" not in text} == set()
