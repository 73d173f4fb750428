"""Settings that a run must not begin with: misspelt ones, and roots of captures that it would leave aside."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from omegaconf import OmegaConf

from selfsame.errors import InputError
from selfsame.explanations import SUFFIXES, suggest
from selfsame.hooks.roots import ROOTS

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext


class KnownParameters:
    """Refuses settings that nothing reads, on the command line or in an environment: misspelt ones."""

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Compare the names in the environment's files and those given with --params with what is read.

        Raises:
            InputError: names what was probably meant.
        """
        from kedro.framework.project import pipelines

        loader = context.config_loader
        if not isinstance(loader, OmegaConfigLoader):
            return
        read = {name.removeprefix("params:") for graph in pipelines.values() for name in graph.inputs()}
        _require_known_files(loader, read)
        _require_known_parameters(loader)


def _require_known_files(loader: OmegaConfigLoader, read: Collection[str]) -> None:
    """Look for names in the environment's files that neither conf/base nor a node knows.

    What is inside the block of a node is that block's to judge.
    """
    env, base = str(loader.env or loader.default_run_env), str(loader.base_env)
    if env == base:
        return
    conf = Path(loader.conf_source)
    for key, more in (("globals", ROOTS), ("parameters", ())):
        shipped = [name for path in _files(conf / base, key) for name, _ in _paths(_read(path))]
        for path in _files(conf / env, key):
            for name in _leaves(_read(path)):
                if not _is_read(name, {*shipped, *more}, read if key == "parameters" else ()):
                    hint = _suggest(name, sorted({*shipped, *more}), f"see conf/{base}/{key}*.yml")
                    raise InputError(
                        f"expected settings that conf/{base} knows, got {name} in conf/{env}/{path.name}: "
                        f"{hint}"
                    )


def _is_read(name: str, known: Collection[str], blocks: Collection[str]) -> bool:
    parts = name.split(".")
    above = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return name in known or name.startswith("_") or not above.isdisjoint(blocks)


def _require_known_parameters(loader: OmegaConfigLoader) -> None:
    given = set(_leaves(loader.runtime_params or {}))
    if not given:
        return
    plain = OmegaConfigLoader(
        conf_source=loader.conf_source,
        env=loader.env,
        base_env=loader.base_env,
        default_run_env=loader.default_run_env,
        merge_strategy=loader.merge_strategy,
    )
    known = {**dict(_paths(plain["parameters"])), **dict.fromkeys(ROOTS, "")}
    optional = tuple(f"{name}." for name, value in known.items() if value is None)
    for name in sorted(given - known.keys()):
        if not name.startswith(optional):  # a block that is null until someone asks for it
            hint = _suggest(name, sorted(known), "see conf/base/parameters*.yml")
            raise InputError(f"expected a parameter that the configuration knows, got {name}: {hint}")


class OwnRoots:
    """Refuses to leave aside the roots that a user set for good: `--env gpu` does not read conf/local."""

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Compare the roots in conf/local with those that this environment gives or the command line says."""
        loader = context.config_loader
        if not isinstance(loader, OmegaConfigLoader) or loader.env in (None, loader.default_run_env):
            return
        own = read_globals(loader, str(loader.default_run_env))
        given = {**read_globals(loader, str(loader.env)), **(loader.runtime_params or {})}
        missing = [name for name in ROOTS if own.get(name) is not None and name not in given]
        if missing:
            wanted = ",".join(f"{name}={own[name]}" for name in missing)
            raise InputError(
                f"expected --env {loader.env} to say where the data are: it does not read "
                f"conf/{loader.default_run_env}/globals.yml, which sets {', '.join(missing)}; "
                f"add --params={wanted}"
            )


def _leaves(tree: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """Give the dotted name of every leaf of nested settings."""
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def read_globals(loader: OmegaConfigLoader, env: str) -> dict[str, object]:
    """Read the globals of one environment alone."""
    return _read(Path(loader.conf_source) / env / "globals.yml")


def _files(folder: Path, key: str) -> list[Path]:
    """List the files of one kind in an environment; of a remote configuration none."""
    found = [*folder.glob(f"**/{key}*"), *folder.glob(f"{key}*/**/*")]
    return sorted({path for path in found if path.suffix in SUFFIXES and path.is_file()})


def _read(path: Path) -> dict[str, object]:
    """Read one file; without one, or where it holds no names, there are no settings."""
    found = OmegaConf.to_container(OmegaConf.load(path)) if path.exists() else {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _paths(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Give every leaf and every branch of nested settings with its dotted name."""
    for key, value in tree.items():
        yield f"{prefix}{key}", value
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{key}.")


def _suggest(name: str, known: list[str], otherwise: str) -> str:
    """Name the setting that was probably meant: a similar one, or the same one without its namespace."""
    meant = suggest(name, known) or next((one for one in known if one.endswith(f".{name}")), None)
    return f"did you mean {meant}?" if meant else otherwise
