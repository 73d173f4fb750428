"""The values of parameters, checked against their types before anything else happens."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from kedro.framework.hooks import hook_impl
from pydantic import TypeAdapter, ValidationError

from selfsame.errors import InputError
from selfsame.explanations import explain_nothing, explain_values

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

REMEDY = "correct it in --params or in the environment's parameters*.yml; conf/base shows all of them"

PLAIN: dict[str, type] = {"seed": int}
"""Parameters that are no blocks, which Kedro does not check."""


class TypedParameters:
    """Refuses values that no stage can use, of whatever workload, in one line that names each of them."""

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Check every block that a node has a type for.

        Raises:
            InputError: names what each wrong value should be.
        """
        from kedro.framework.project import pipelines
        from kedro.validation.type_extractor import TypeExtractor

        types = TypeExtractor(dict(pipelines)).extract_types_from_pipelines()
        require_valid(context.config_loader["parameters"], {**types, **PLAIN})


def require_valid(parameters: Mapping[str, object], types: Mapping[str, type]) -> None:
    """Check blocks of parameters against their types.

    Raises:
        InputError: names what each wrong value should be; the same block under several names is told once.
    """
    found = dict.fromkeys(_list_mistakes(parameters, types))
    if found:
        raise InputError(f"{'; '.join(found)}: {REMEDY}")


def _list_mistakes(parameters: Mapping[str, object], types: Mapping[str, type]) -> Iterator[str]:
    for block, kind in types.items():
        given = find_block(parameters, block)
        if given is None:
            continue
        try:
            TypeAdapter(kind).validate_python(given)
        except ValidationError as error:
            yield explain_values(error, block, given)
    yield from (explain_nothing(block) for block in types if find_block(parameters, block) is None)


def find_block(parameters: Mapping[str, object], name: str) -> object:
    """Find nested settings by their dotted name; None where there are none."""
    found: object = parameters
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
