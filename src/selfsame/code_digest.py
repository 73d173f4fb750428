"""Digests of source code: what was made by other code can be told from what this code would make."""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

PROJECT = "selfsame"


def digest_code(names: Iterable[str]) -> str:
    """Digest the source of modules, and of everything within packages. 64 hex digits.

    An edited comment counts as a change. Modules within packages are not imported.

    Args:
        names: of modules and packages, with dots; their order counts.

    Raises:
        ModuleNotFoundError: one of them has no source here.
    """
    digest = hashlib.sha256()
    for name in names:
        for part, path in _list_files(name):
            digest.update(f"{part}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def list_imported(names: Iterable[str], *, without: Collection[str] = ()) -> tuple[str, ...]:
    """List modules of this project with those of it that they import, and that these import, sorted.

    Imports within functions count.

    Args:
        names: of modules, with dots.
        without: modules that are neither listed nor followed.

    Raises:
        ModuleNotFoundError: one of them has no source here.
    """
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found and name not in without:
            found.add(name)
            waiting += _list_imports(_find(name))
    return tuple(sorted(found))


def _list_imports(spec: ModuleSpec) -> Iterator[str]:
    """List the modules of this project that a module imports."""
    for node in ast.walk(ast.parse(_locate(spec).read_bytes())):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names if _is_ours(one.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            package = _find(node.module).submodule_search_locations is not None
            parts = [f"{node.module}.{one.name}" for one in node.names]
            modules = [part for part in parts if package and find_spec(part) is not None]
            yield from modules
            if len(modules) < len(parts):
                yield node.module


def _is_ours(name: str) -> bool:
    return name.partition(".")[0] == PROJECT


def _list_files(name: str) -> Iterator[tuple[str, Path]]:
    """List the files of a module, or all of a package, sorted, with names that are the same everywhere."""
    spec = _find(name)
    if not spec.submodule_search_locations:
        yield name, _locate(spec)
    for root in map(Path, spec.submodule_search_locations or ()):
        for path in sorted(root.rglob("*.py")):
            yield f"{name}/{path.relative_to(root).as_posix()}", path


def _find(name: str) -> ModuleSpec:
    spec = find_spec(name)
    if spec is None:
        raise ModuleNotFoundError(f"expected the source of {name}, found none: install the package again")
    return spec


def _locate(spec: ModuleSpec) -> Path:
    if spec.origin is None or not spec.origin.endswith(".py"):
        raise ModuleNotFoundError(
            f"expected the source of {spec.name}, found {spec.origin or 'none'}: install the package again"
        )
    return Path(spec.origin)
