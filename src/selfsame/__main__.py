"""Run the project as a package: `python -m selfsame` does what `kedro run` does."""

import sys
from pathlib import Path

from kedro.framework.project import configure_project


def main() -> None:
    """Configure the project and run the command line's `run` with the arguments given."""
    configure_project(Path(__file__).parent.name)
    from selfsame.cli import run

    run.main(args=sys.argv[1:], prog_name="python -m selfsame")


if __name__ == "__main__":
    main()
