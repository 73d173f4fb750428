"""What part of the graph a run is asked for, compared with what there is before Kedro looks for it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path

from kedro.pipeline import Pipeline

from selfsame.errors import InputError

NODES = {"node_names": "--nodes", "from_nodes": "--from-nodes", "to_nodes": "--to-nodes"}
DATASETS = {
    "from_inputs": "--from-inputs",
    "to_outputs": "--to-outputs",
    "load_versions": "--load-versions",
}
"""Options by Kedro's name for them."""

LISTED = 12
"""So many names are listed whole; of more, those alike, or the command that lists them."""

LISTS_ALL = "kedro registry describe lists them"


def require_environment(env: str | None, conf: Path) -> None:
    """Refuse an environment that has no folder.

    Raises:
        InputError: names those that there are.
    """
    if not env or not conf.is_dir() or (conf / env).is_dir():
        return
    there = sorted(path.name for path in conf.iterdir() if path.is_dir() and not path.name.startswith("."))
    raise _unknown("--env", env, there, "", among=f"a folder of {conf}")


def require_selected(options: Mapping[str, object], registered: Mapping[str, Pipeline]) -> None:
    """Refuse names of pipelines, stages, nodes, namespaces and datasets that there are none of.

    Args:
        options: of the command line, by Kedro's names.
        registered: every pipeline by name; without any, nothing is compared.

    Raises:
        InputError: names what was probably meant.
    """
    if not registered:
        return
    pipelines = _names(options.get("pipelines"))
    for name in pipelines:
        if name not in registered:
            known = [one for one in registered if one != "__default__"]
            raise _unknown("--pipelines", name, known, "kedro registry list lists them")
    if not any(options.get(option) for option in ("tags", "namespaces", *NODES, *DATASETS)):
        return
    graph = sum((registered[name] for name in pipelines or ["__default__"]), Pipeline([]))
    _require_all("--tags", options.get("tags"), {tag for node in graph.nodes for tag in node.tags})
    _require_all("--namespaces", options.get("namespaces"), _namespaces(graph))
    for option, title in NODES.items():
        _require_nodes(title, _names(options.get(option)), graph, registered)
    for option, title in DATASETS.items():
        _require_all(title, options.get(option), graph.datasets())


def _names(given: object) -> list[str]:
    return [str(name) for name in given] if isinstance(given, Iterable) else []


def _require_all(option: str, given: object, known: Iterable[str]) -> None:
    there = sorted(known)
    for name in _names(given):
        if name not in there:
            raise _unknown(option, name, there, LISTS_ALL)


def _require_nodes(
    option: str, names: list[str], graph: Pipeline, registered: Mapping[str, Pipeline]
) -> None:
    there = sorted(node.name for node in graph.nodes)
    for name in names:
        stage = next((one for one in registered if name and one.startswith(name)), None)
        if stage is not None and name not in there and not _near(name, there):
            raise InputError(
                f"expected {option} to name what there is, got {name!r}: did you mean --pipelines {stage}?"
            )
    _require_all(option, names, there)


def _near(name: str, there: list[str]) -> list[str]:
    """Name those that were probably meant: alike, or with the name in their last part."""
    near = get_close_matches(name, there, n=2, cutoff=0.75)
    return near or [one for one in there if name in one.split(".")[-1]][:2]


def _namespaces(graph: Pipeline) -> set[str]:
    """Name every namespace, with those around it."""
    found: set[str] = set()
    for node in graph.nodes:
        parts = (node.namespace or "").split(".")
        found |= {".".join(parts[: i + 1]) for i in range(len(parts))} - {""}
    return found


def _unknown(
    option: str, name: str, there: list[str], listing: str, *, among: str = "what there is"
) -> InputError:
    near = _near(name, there)
    if near:
        hint = f"did you mean {' or '.join(near)}?"
    elif len(there) <= LISTED or not listing:
        hint = f"there is {', '.join(there) or 'none'}"
    else:
        hint = listing
    return InputError(f"expected {option} to name {among}, got {name!r}: {hint}")
