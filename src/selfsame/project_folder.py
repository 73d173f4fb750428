"""The folder of the project: found from wherever a command is given inside it."""

import os
from pathlib import Path

import yaml
from kedro.framework.project import LOGGING
from kedro.utils import find_kedro_project

from selfsame.errors import InputError

LOGGING_FILE = "conf/logging.yml"


def find_project(here: Path, *, conf_source: str | None) -> Path:
    """Find the project that a folder belongs to; without one, a folder with conf/ does, or conf elsewhere.

    Raises:
        InputError: there is no project, and nothing says where conf/ is.
    """
    found = find_kedro_project(here)
    if found is not None:
        return Path(found)
    if conf_source is None and not (here / "conf").is_dir():
        raise InputError(
            f"expected to be inside the project (the folder with pyproject.toml and conf/), got {here}: "
            "cd there, or say with --conf-source where conf/ is"
        )
    return here


def log_as_configured(project: Path, here: Path) -> None:
    """Log as the project says from its other folders, too: Kedro looks in the present one only."""
    path = project / LOGGING_FILE
    if project != here and path.is_file() and "KEDRO_LOGGING_CONFIG" not in os.environ:
        LOGGING.configure(yaml.safe_load(path.read_text(encoding="utf-8")))
