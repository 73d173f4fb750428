"""Layouts: how the path of a file says whose capture it is, written as patterns with named groups."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from selfsame.errors import InputError

logger = logging.getLogger(__name__)

AUTO = "auto"
DOCS = "docs/layouts.md"
REQUIRED = ("subject", "modality", "instance")
OPTIONAL = ("capture", "sex", "hand", "finger", "device", "session")

# Words of a fixed vocabulary are compared in lower case; names that a person chose stay as they are.
_VOCABULARY = frozenset({"modality", "instance", "sex", "hand", "finger"})
_LAST_INDEX = 2**31 - 1  # capture indices are int32


@dataclass(frozen=True)
class Place:
    """What a path says about a capture; None where it says nothing."""

    subject: str
    modality: str
    instance: str
    capture: int | None = None
    sex: str | None = None
    hand: str | None = None
    finger: str | None = None
    device: str | None = None
    session: str | None = None


@dataclass(frozen=True)
class PathPattern:
    """One pattern of a layout.

    Attributes:
        pattern: a regular expression for the whole relative path, in any case of letters, with named groups.
        templates: for each field of a `Place`, text with the names of groups in braces, such as
            `iris_{side}`.
        values: for a field, what replaces which text, such as `m` by `male`.
    """

    pattern: str
    templates: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]]


class Layout:
    """A named list of patterns; the first that matches a path reads it.

    Raises:
        InputError: a pattern is no regular expression, or a template names an unknown field or group.
    """

    def __init__(self, name: str, patterns: Sequence[PathPattern]) -> None:
        if not patterns:
            raise InputError(f"expected layout {name!r} to have at least one pattern, got none")
        self.name = name
        self._patterns = [(_compile(name, pattern), pattern) for pattern in patterns]

    def read(self, path: str) -> Place | None:
        """Read a relative path with forward slashes, or return None where no pattern matches."""
        for expression, pattern in self._patterns:
            match = expression.fullmatch(path)
            if match is not None:
                place = _fill(pattern, match)
                if place is not None:
                    return place
        return None


def choose_layout(layouts: Sequence[Layout], name: str, paths: Iterable[str]) -> Layout:
    """Choose a layout by name; `auto` takes the one that reads most of the paths, the first among equals.

    Equals that read some path otherwise are told in a warning: only the user knows which is right.

    Raises:
        InputError: no layout has this name.
    """
    if name != AUTO:
        named = {layout.name: layout for layout in layouts}
        if name not in named:
            known = ", ".join([AUTO, *named])
            raise InputError(
                f"expected the layout to be one of {known}, got {name!r}: correct --params=layout=NAME"
            )
        return named[name]
    listed = list(paths)
    counts = {layout.name: sum(layout.read(path) is not None for path in listed) for layout in layouts}
    chosen, *others = [layout for layout in layouts if counts[layout.name] == max(counts.values())]
    if listed and not counts[chosen.name]:
        logger.info(
            "layout: no layout reads any of the %d paths, such as %s (%s)", len(listed), listed[0], DOCS
        )
        return chosen
    logger.info("layout: %s reads %d of %d paths", chosen.name, counts[chosen.name], len(listed))
    _tell_ambiguity(chosen, others, listed)
    return chosen


def _tell_ambiguity(chosen: Layout, others: Sequence[Layout], paths: Sequence[str]) -> None:
    for other in others:
        path = next((path for path in paths if chosen.read(path) != other.read(path)), None)
        if path is not None:
            logger.warning(
                "layout: %s reads as many paths, and %s otherwise than %s; if it is right, give "
                "--params=layout=%s",
                other.name,
                path,
                chosen.name,
                other.name,
            )


def _compile(name: str, pattern: PathPattern) -> re.Pattern[str]:
    try:
        expression = re.compile(pattern.pattern, re.IGNORECASE)
    except re.error as error:
        raise InputError(
            f"expected a regular expression in layout {name!r}, got {pattern.pattern!r}: {error}"
        ) from error
    missing = set(REQUIRED) - pattern.templates.keys()
    unknown = (pattern.templates.keys() | pattern.values.keys()) - {*REQUIRED, *OPTIONAL}
    if missing or unknown:
        raise InputError(
            f"expected the fields {', '.join(REQUIRED)} and perhaps {', '.join(OPTIONAL)} "
            f"in layout {name!r}, got {', '.join(sorted({*pattern.templates, *pattern.values}))}"
        )
    for field, template in pattern.templates.items():
        _check_template(name, field, template, expression)
    return expression


def _check_template(name: str, field: str, template: str, expression: re.Pattern[str]) -> None:
    try:
        groups = _groups(template)
    except ValueError as error:
        raise InputError(
            f"expected text with {{groups}} as {field} of layout {name!r}, got {template!r}"
        ) from error
    for group in groups:
        if group not in expression.groupindex:
            known = ", ".join(expression.groupindex) or "no group"
            raise InputError(
                f"expected {field} of layout {name!r} to use the groups of its pattern ({known}), "
                f"got {template!r}"
            )


def _groups(template: str) -> list[str]:
    return [group for _, group, _, _ in Formatter().parse(template) if group is not None]


def _fill(pattern: PathPattern, match: re.Match[str]) -> Place | None:
    texts = {field: _text(pattern, field, match) for field in pattern.templates}
    if not all(texts[field] for field in REQUIRED):
        return None
    index = texts.pop("capture", None)
    known = {field: text for field, text in texts.items() if text}
    return Place(capture=_index(index), **known)


def _text(pattern: PathPattern, field: str, match: re.Match[str]) -> str | None:
    groups = match.groupdict()
    template = pattern.templates[field]
    if any(groups[group] is None for group in _groups(template)):
        return None
    text = template.format_map(groups)
    if field in _VOCABULARY:
        text = text.lower()
    return pattern.values.get(field, {}).get(text, text)


def _index(text: str | None) -> int | None:
    """Read a capture's index; a number that cannot be one (0, or a date and time in digits) is no index."""
    if text is None or not text.isdecimal():
        return None
    number = int(text)
    return number if 1 <= number <= _LAST_INDEX else None
