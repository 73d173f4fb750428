"""What is wrong with settings, in one line: values that a typed block refuses, and slips in YAML files."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from yaml.error import MarkedYAMLError

SUFFIXES = (".yml", ".yaml", ".json")
"""Of the files of the configuration."""

WANTED = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list, such as [a, b]",
    "list": "a list, such as [a, b]",
    "dict": "a block of settings",
    "model": "a block of settings",
    "model_attributes": "a block of settings",
}
"""What a value should have been, by the beginning of the kind of its error."""

SHOWN = 60
"""Characters of a refused value that are shown whole."""

Place = tuple[str | int, ...]


def explain_values(error: ValidationError, block: str, given: object) -> str:
    """Say what every refused value of a block should be, each once.

    Args:
        error: what pydantic found.
        block: the name of the block, with dots.
        given: the block as it was read.
    """
    found: dict[Place, list[ErrorDetails]] = {}
    for one in error.errors(include_url=False):
        found.setdefault(_place(one, given), []).append(one)
    # Of a value that may be one of several things, what is wrong inside says most.
    precise = [place for place in found if not any(place == other[: len(place)] != other for other in found)]
    return "; ".join(_explain_place(block, place, found[place], given) for place in precise)


def explain_nothing(block: str) -> str:
    """Say that a block is empty."""
    return f"expected {block} to be a block of settings, got nothing"


def suggest(name: str, known: Iterable[str]) -> str | None:
    """Name the known one that was probably meant."""
    near = get_close_matches(name, list(known), n=1)
    return near[0] if near else None


def explain_slip(error: yaml.YAMLError | UnicodeDecodeError, folders: Iterable[Path]) -> str:
    """Say which file is no YAML, in which line, and what to write instead.

    Kedro counts lines from 0 and names no file for some slips, so that the files are read again.

    Args:
        error: with which the configuration could not be read.
        folders: the environments that were read.
    """
    for path in list_files(folders):
        try:
            list(yaml.compose_all(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader))
        except MarkedYAMLError as slip:
            mark = slip.problem_mark or slip.context_mark
            where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "a place that is not known"
            return f"expected YAML in {path}, got a slip in {where}: {_explain_problem(slip)}"
        except (yaml.YAMLError, UnicodeDecodeError) as slip:
            return (
                f"expected YAML in {path}, got other bytes ({' '.join(str(slip).split())}): save it as UTF-8"
            )
    return f"expected YAML in the configuration, got a slip: {' '.join(str(error).split())}"


def list_files(folders: Iterable[Path]) -> Iterator[Path]:
    """List the configuration's files below folders, in order."""
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file())


def _explain_problem(slip: MarkedYAMLError) -> str:
    problem = slip.problem or "unknown"
    if "'\\t'" in problem:
        return "tabs are not allowed in indentation; indent with spaces"
    if problem == "mapping values are not allowed here":
        return "a second colon or a wrong indentation; put text with a colon in quotes"
    context = f" {slip.context}" if slip.context else ""
    return f"{problem}{context}; correct it there"


def _place(error: ErrorDetails, given: object) -> Place:
    """Name the steps to a refused value, without those that stand for a member of a union."""
    steps: list[str | int] = []
    value = given
    for part in error["loc"]:
        inside = _look(value, part)
        if inside is not _NOTHING:
            steps.append(part)
            value = inside
    if error["type"] == "missing":
        steps.append(error["loc"][-1])
    return tuple(steps)


_NOTHING = object()


def _look(value: object, part: str | int) -> object:
    if isinstance(value, Mapping):
        return value.get(part, _NOTHING)
    if isinstance(value, Sequence) and not isinstance(value, str) and isinstance(part, int):
        return value[part] if part < len(value) else _NOTHING
    return _NOTHING


def _explain_place(block: str, place: Place, errors: Sequence[ErrorDetails], given: object) -> str:
    name, first = _name(block, place), errors[0]
    if first["type"] == "value_error":
        return f"{first['msg'].removeprefix('Value error, ')} ({name})"
    if first["type"] == "missing":
        return f"expected {name} to be given, got nothing"
    if first["type"] == "extra_forbidden":
        known = _name(block, place[:-1])
        return f"expected a parameter that {known} knows, got {name}{_hint(place, given)}"
    if first["type"] == "union_tag_invalid":
        chosen = first["ctx"]
        name = f"{name}.{str(chosen['discriminator']).strip(chr(39))}"
        return f"expected {name} to be one of {chosen['expected_tags']}, got {chosen['tag']!r}"
    wanted = " or ".join(dict.fromkeys(_want(one) for one in errors))
    return f"expected {name} {wanted.replace(' or to be ', ' or ')}, got {_show(first['input'])}"


def _name(block: str, place: Place) -> str:
    return block + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)


def _hint(place: Place, given: object) -> str:
    for part in place[:-1]:
        given = _look(given, part)
    siblings = [str(key) for key in given if key != place[-1]] if isinstance(given, Mapping) else []
    meant = suggest(str(place[-1]), siblings)
    return f" (did you mean {meant}?)" if meant else ""


def _want(error: ErrorDetails) -> str:
    """Say what would do: `to be a whole number`."""
    kind, details = error["type"], error.get("ctx", {})
    for ending in ("_parsing", "_type", "_from_float"):
        if kind.removesuffix(ending) in WANTED:
            return f"to be {WANTED[kind.removesuffix(ending)]}"
    if kind == "literal_error":
        return f"to be {details['expected']}"
    if kind == "union_tag_not_found":
        return f"to have a {details['discriminator']}"
    if kind == "too_short":
        return f"to have {details['min_length']} or more items"
    message = error["msg"]
    return "to be " + message.removeprefix("Input should be ") if "should be " in message else f"({message})"


def _show(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    if len(text) <= SHOWN:
        return text
    return "a block of settings" if isinstance(value, Mapping) else f"{text[: SHOWN - 3]}..."
