"""Settings that a run must not begin with: misspelt ones, and roots of captures that it would leave aside."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl
from omegaconf import OmegaConf

from selfsame.errors import InputError
from selfsame.hooks.roots import ROOTS

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext


class KnownParameters:
    """Refuses a run-time parameter that no configuration file knows: a misspelt one would change nothing."""

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Compare the dotted names given with --params with those of the configuration."""
        loader = context.config_loader
        given = set(_leaves(loader.runtime_params or {}))
        if not given or not isinstance(loader, OmegaConfigLoader):
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
                hint = _suggest(name, sorted(known))
                raise InputError(f"expected a parameter that the configuration knows, got {name}: {hint}")


class OwnRoots:
    """Refuses to leave aside the roots that a user set for good: `--env gpu` does not read conf/local."""

    @hook_impl
    def after_context_created(self, context: "KedroContext") -> None:
        """Compare the roots in conf/local with those that this environment gives or the command line says."""
        loader = context.config_loader
        if not isinstance(loader, OmegaConfigLoader) or loader.env in (None, loader.default_run_env):
            return
        own = _settings(loader, str(loader.default_run_env))
        given = {**_settings(loader, str(loader.env)), **(loader.runtime_params or {})}
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


def _settings(loader: OmegaConfigLoader, env: str) -> dict[str, object]:
    """Read the globals of one environment alone."""
    path = Path(loader.conf_source) / env / "globals.yml"
    found = OmegaConf.to_container(OmegaConf.load(path)) if path.exists() else {}
    return {str(key): value for key, value in found.items()} if isinstance(found, dict) else {}


def _paths(tree: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Give every leaf and every branch of nested settings with its dotted name."""
    for key, value in tree.items():
        yield f"{prefix}{key}", value
        if isinstance(value, Mapping):
            yield from _paths(value, f"{prefix}{key}.")


def _suggest(name: str, known: list[str]) -> str:
    """Name the parameter that was probably meant: a similar one, or the same one without its namespace."""
    near = get_close_matches(name, known, n=1) or [one for one in known if one.endswith(f".{name}")]
    return f"did you mean {near[0]}?" if near else "see conf/base/parameters*.yml"
