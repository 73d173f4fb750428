"""The roots that a user gives: none is empty, and `~` is the user's home."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kedro.config import OmegaConfigLoader
from kedro.framework.hooks import hook_impl

from selfsame.errors import InputError

if TYPE_CHECKING:
    from kedro.framework.context import KedroContext

ROOTS = ("captures", "new_captures", "data", "arrays")
"""Settings of conf/*/globals.yml that one run may replace with --params: the catalog asks for them."""

OPEN = ("new_captures", None)
"""The root that globals.yml may leave at null: then it is beside the captures."""

NO_FOLDERS = ("sklearn:",)
"""What a name begins with that is no path, beside URLs."""


class GivenRoots:
    """Refuses roots that are empty, such as those of an unset variable of the shell, and expands `~`."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: "KedroContext") -> None:
        """Look at the roots of --params and of globals.yml before anything else reads them.

        Raises:
            InputError: a root is empty, or its `~` means nobody.
        """
        loader = context.config_loader
        given = loader.runtime_params
        if given:
            given |= {name: expand_root(name, given[name]) for name in ROOTS if name in given}
        if isinstance(loader, OmegaConfigLoader):
            stated = dict(loader["globals"])
            named = [name for name in ROOTS if name in stated and (name, stated[name]) != OPEN]
            loader["globals"] = stated | {name: expand_root(name, stated[name]) for name in named}


def expand_root(name: str, root: object) -> str:
    """Write a root out.

    Raises:
        InputError: it is empty, or nobody's home.
    """
    text = "" if root is None else str(root).strip()
    where = f"--params={name}=PATH or in conf/local/globals.yml"
    if not text:
        raise InputError(
            f"expected a path for {name}, got nothing: give one with {where} (a variable of the shell may be "
            "unset)"
        )
    if not text.startswith("~"):
        return text
    try:
        return str(Path(text).expanduser())
    except RuntimeError as error:
        raise InputError(
            f"expected a path for {name}, got {text}, which is nobody's home: "
            f"give the whole path with {where}"
        ) from error


def place_roots(given: Mapping[str, object], here: Path, project: Path) -> dict[str, object]:
    """Let relative roots of a command line count from the folder that it was given in.

    Args:
        given: the parameters of the command line.
        here: that folder.
        project: the folder from which roots in conf/ count.
    """
    if here == project:
        return dict(given)
    moved = {
        name: str(here / str(given[name])) for name in ROOTS if name in given and _is_relative(given[name])
    }
    return {**given, **moved}


def _is_relative(root: object) -> bool:
    text = "" if root is None else str(root).strip()
    return bool(text) and "://" not in text and not text.startswith(("/", "~", *NO_FOLDERS))
