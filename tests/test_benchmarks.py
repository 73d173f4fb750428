"""The short form of the benchmarks: `make bench`, on benchmarks that are made up."""

import json
import os
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
    claims = [{"text": "fast", "verdict": "holds"}, {"text": "faster", "verdict": "VERDICT"}]
    Path(sys.argv[3]).write_text(json.dumps({"claims": claims}))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "benchmarks").mkdir()
    for name in ("all.py", "rounds.py"):
        shutil.copy(PROJECT / "benchmarks" / name, tmp_path / "benchmarks")
    (tmp_path / "benchmarks/shared.py").write_text("raise SystemExit('no benchmark')\n")
    return tmp_path / "benchmarks"


def add(folder: Path, name: str, text: str) -> None:
    (folder / f"{name}.py").write_text(text)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "all.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_claims_of_all_benchmarks_are_counted(folder: Path) -> None:
    add(folder, "first", CLAIMING.replace("VERDICT", "holds"))
    add(folder, "second", CLAIMING.replace("VERDICT", "not shown by the short form"))
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert "2 benchmarks" in done.stdout
    assert "3 hold, 1 cannot be shown by so few, 0 do not hold; 0 crashed" in done.stdout
    assert "not shown by the short form: second: faster" in done.stdout
    assert json.loads((folder.parent / "build/benchmarks/first.json").read_text())["claims"]


def test_what_comes_out_wrong_is_named_and_the_status_says_so(folder: Path) -> None:
    add(folder, "first", CLAIMING.replace("VERDICT", "DOES NOT HOLD"))
    done = run(folder)
    assert done.returncode == 1
    assert "DOES NOT HOLD: first: faster" in done.stdout


@pytest.mark.parametrize(
    ("holds", "exact", "short", "verdict", "status"),
    [
        (True, True, True, "holds", 0),
        (False, False, True, "not shown by the short form", 0),
        (False, True, True, "DOES NOT HOLD", 1),
        (False, False, False, "DOES NOT HOLD", 1),
    ],
)
def test_a_short_form_judges_right_and_wrong_but_no_figures(
    holds: bool, exact: bool, short: bool, verdict: str, status: int, tmp_path: Path
) -> None:
    code = (
        "import sys; from argparse import Namespace; from pathlib import Path; import rounds\n"
        f"claim = rounds.Claim('as fast', 0.5, {holds}, exact={exact})\n"
        f"asked = Namespace(short={short}, output=Path('found.json'))\n"
        "sys.exit(rounds.conclude('it', {}, [claim], asked))"
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "benchmarks")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert f"{verdict}: as fast: 0.5" in done.stdout
    assert json.loads((tmp_path / "found.json").read_text())["claims"][0]["verdict"] == verdict


def test_a_crash_is_named_and_does_not_stop_the_others(folder: Path) -> None:
    add(folder, "first", "if __name__ == \"__main__\":\n    raise RuntimeError('no such thing')\n")
    add(folder, "second", CLAIMING.replace("VERDICT", "holds"))
    figures = folder.parent / "build/benchmarks/first.json"
    figures.parent.mkdir(parents=True)
    figures.write_text('{"claims": []}')  # of an earlier run
    done = run(folder)
    assert done.returncode == 1
    assert "crashed: first" in done.stdout
    assert "2 hold" in done.stdout
    assert "no such thing" in figures.with_suffix(".log").read_text()


def test_one_benchmark_can_be_run_alone(folder: Path) -> None:
    add(folder, "first", CLAIMING.replace("VERDICT", "holds"))
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
