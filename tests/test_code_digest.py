"""Code that changed is told by its digest, and what a module imports is found in its source."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfsame import code_digest
from selfsame.code_digest import digest_code, list_imported

SOURCES = {
    "__init__.py": "",
    "main.py": "from drawn import first\nfrom drawn.inner import VALUE, second\nimport json\n",
    "first.py": "def late() -> None:\n    import drawn.third\n",
    "third.py": "import drawn.main\n",
    "unused.py": "raise RuntimeError\n",
    "inner/__init__.py": "VALUE = 1\n",
    "inner/second.py": "",
    "inner/deep/__init__.py": "",
}


@pytest.fixture
def drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `drawn` that passes for the project."""
    for path, source in SOURCES.items():
        (tmp_path / "drawn" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "drawn" / path).write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(code_digest, "PROJECT", "drawn")
    yield tmp_path / "drawn"
    for name in [name for name in sys.modules if name.partition(".")[0] == "drawn"]:
        del sys.modules[name]


def test_imports_are_followed_within_the_project_also_in_functions_and_in_circles(drawn: Path) -> None:
    expected = ("first", "inner", "inner.second", "main", "third")
    assert list_imported(["drawn.main"]) == tuple(f"drawn.{name}" for name in expected)


def test_a_module_that_is_left_out_is_not_followed_either(drawn: Path) -> None:
    listed = list_imported(["drawn.main"], without=["drawn.first"])
    assert listed == ("drawn.inner", "drawn.inner.second", "drawn.main")


@pytest.mark.parametrize("path", ["first.py", "inner/second.py", "inner/deep/__init__.py"])
def test_every_module_of_a_package_counts_however_deep_it_lies(drawn: Path, path: str) -> None:
    before = digest_code(["drawn"])
    (drawn / path).write_text("# edited\n")
    assert digest_code(["drawn"]) != before


def test_a_digest_is_of_the_named_modules_alone_and_imports_none(drawn: Path) -> None:
    before = digest_code(["drawn.first", "drawn.inner"])
    (drawn / "main.py").write_text("# edited\n")
    assert digest_code(["drawn.first", "drawn.inner"]) == before
    assert "drawn.first" not in sys.modules


def test_a_module_under_another_name_is_other_code(drawn: Path) -> None:
    before = digest_code(["drawn.inner"])
    (drawn / "inner/second.py").rename(drawn / "inner/other.py")
    assert digest_code(["drawn.inner"]) != before


@pytest.mark.parametrize("name", ["selfsame.nothing", "sys"])
def test_code_without_source_is_refused(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"expected the source of {name}"):
        digest_code([name])
