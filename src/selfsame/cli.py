"""What Selfsame changes about Kedro's command line: a user's mistake costs one line, not a traceback."""

import copy
import logging
import re
import signal
import traceback
from collections.abc import Mapping
from pathlib import Path

import click
import kedro
import yaml
from kedro.config import MissingConfigException
from kedro.framework.cli.project import run as kedro_run
from kedro.framework.project import pipelines
from kedro.io import DatasetError
from kedro.pipeline.pipeline import PipelineError
from kedro.validation.exceptions import ParameterValidationError
from omegaconf.errors import OmegaConfBaseException

from selfsame.errors import InputError, SelfsameError
from selfsame.explanations import explain_slip
from selfsame.hooks.roots import place_roots
from selfsame.project_folder import find_project, log_as_configured
from selfsame.selection import require_environment, require_selected
from selfsame.stopping import Terminated, stoppable

logger = logging.getLogger(__name__)

KEDRO = Path(kedro.__file__).parent
"""Where a ValueError or KeyError is Kedro's way to refuse something."""

SMOKE = "smoke"
"""The environment of tiny numbers, and the pipeline that makes a sample before the main job."""

SELECTIONS = (
    "pipelines",
    "namespaces",
    "tags",
    "node_names",
    "from_nodes",
    "to_nodes",
    "from_inputs",
    "to_outputs",
)

CONF = "conf"
"""The folder of the configuration, in the project."""

MODEL_CARD = "model_card.md"
"""The name of the model card, beside the metrics that it is made from."""

EXPECTED = (
    SelfsameError,
    DatasetError,
    MissingConfigException,
    ParameterValidationError,
    PipelineError,
    OSError,
    yaml.YAMLError,
    UnicodeDecodeError,
    OmegaConfBaseException,
)

AGAIN = "run the same command again to go on from here"


class TerminatedRun(click.ClickException):
    """A run that was asked to end, and did; its status is the one that shells give for SIGTERM."""

    exit_code = 128 + signal.SIGTERM


@click.group(name="selfsame")
def cli() -> None:
    """Commands of the project: `run` in place of Kedro's, and `model-card`."""


def explain(error: BaseException) -> str:
    """Say in one line what went wrong: our own error in the chain, else the system's, else the error."""
    chain = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    ours = [link for link in chain if isinstance(link, SelfsameError)]
    systems = [link for link in chain if isinstance(link, OSError) and link.filename]  # else: which file?
    found = [*ours, *systems, error][0]
    text = re.sub(
        r"For further information visit \S+|Failed to instantiate \w+ for parameter '\S+': ", "", str(found)
    )
    return " ".join(text.split()) or type(found).__name__


def _is_expected(error: Exception) -> bool:
    """Whether the error is a mistake to explain: one of ours, or one that Kedro itself raised on purpose."""
    if isinstance(error, EXPECTED):
        return True
    raised_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    return isinstance(error, ValueError | KeyError) and raised_in.is_relative_to(KEDRO)


def choose_pipelines(options: Mapping[str, object]) -> dict[str, object]:
    """Fill in what people mean: `--pipeline x` is `--pipelines x`, and the smoke run makes its own sample."""
    chosen = dict(options)
    if chosen.get("pipeline") and not chosen.get("pipelines"):
        chosen |= {"pipelines": [chosen["pipeline"]], "pipeline": None}
    if chosen.get("env") == SMOKE and not any(chosen.get(option) for option in SELECTIONS):
        chosen["pipelines"] = [SMOKE]
    return chosen


def prepare(options: Mapping[str, object]) -> dict[str, object]:
    """Check what is asked for before Kedro begins, and let relative roots count from the present folder.

    Raises:
        InputError: something that is named does not exist, or this is not in a project.
    """
    here, source = Path.cwd(), options.get("conf_source")
    project = find_project(here, conf_source=str(source) if source else None)
    log_as_configured(project, here)
    require_environment(str(options.get("env") or ""), Path(str(source or project / CONF)))
    chosen = choose_pipelines(options)
    require_selected(chosen, pipelines)
    given = chosen.get("params")
    return {**chosen, "params": place_roots(given, here, project)} if isinstance(given, Mapping) else chosen


def _explain_all(error: Exception, options: Mapping[str, object]) -> str:
    """Say in one line what went wrong, with the file and the line where it is in the configuration."""
    if not isinstance(error, yaml.YAMLError | UnicodeDecodeError):
        return explain(error)
    here, source = Path.cwd(), options.get("conf_source")
    conf = Path(str(source or find_project(here, conf_source=CONF) / CONF))
    return explain_slip(error, [conf / "base", conf / str(options.get("env") or "local")])


def _is_interrupt(error: BaseException) -> bool:
    """Whether Ctrl-C is behind this; Lightning makes an exit of it."""
    return isinstance(error, KeyboardInterrupt) or isinstance(error.__context__, KeyboardInterrupt)


def _run(**options: object) -> object:
    """Run the pipeline."""
    try:
        with stoppable():
            return kedro_run.callback(**prepare(options)) if kedro_run.callback else None
    except Terminated:
        raise TerminatedRun(f"stopped by SIGTERM; {AGAIN}") from None
    except (KeyboardInterrupt, SystemExit) as error:
        if not _is_interrupt(error):
            raise
        raise click.ClickException(f"stopped by you; {AGAIN}") from None
    except Exception as error:
        if not _is_expected(error):
            raise
        logger.debug("the run failed", exc_info=True)
        raise click.ClickException(_explain_all(error, options)) from None


def _split_params(context: click.Context, option: click.Parameter, value: object) -> object:
    """Read --params as Kedro does, and say what a comma does where it fails."""
    if KEDRO_PARAMS.callback is None:
        return value
    try:
        return KEDRO_PARAMS.callback(context, option, value)
    except click.UsageError:
        raise click.ClickException(
            f"expected --params=NAME=VALUE,NAME=VALUE, got {value!r}: give each name a value; a comma begins "
            "the next parameter, so a path with a comma has its place in conf/local/globals.yml"
        ) from None


KEDRO_PARAMS = next(option for option in kedro_run.params if option.name == "params")
PARAMS = copy.copy(KEDRO_PARAMS)
PARAMS.callback = _split_params
OPTIONS = [PARAMS if option is KEDRO_PARAMS else option for option in kedro_run.params]
"""Those of Kedro's `run`, but that --params explains itself."""

run = click.Command("run", params=OPTIONS, callback=_run, help=kedro_run.help)
cli.add_command(run)


@cli.command("model-card")
@click.option(
    "--metrics",
    type=click.Path(path_type=Path),
    default=None,
    help="The metrics.json of an evaluation; without it, that of the data root.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=None,
    help="The Markdown file to write; without it, model_card.md beside the metrics.",
)
def model_card(metrics: Path | None, output: Path | None, env: str | None, params: dict[str, object]) -> None:
    """Write the model card of an evaluation from its metrics."""
    from selfsame.datasets.atomic import AtomicDataset
    from selfsame.reporting.model_card import read_metrics, render_model_card

    try:
        metrics = metrics or _locate_metrics(env, params)
        if not metrics.is_file():
            raise InputError(
                f"expected the metrics of an evaluation at {metrics}, found no file there: "
                "kedro run --pipelines evaluation writes them, --metrics says where they are"
            )
        output = output or metrics.parent / MODEL_CARD
        text = metrics.read_bytes().decode(errors="replace")
        card = render_model_card(read_metrics(text, str(metrics)))
        AtomicDataset(filepath=str(output), dataset={"type": "text.TextDataset"}).save(card)
    except EXPECTED as error:
        raise click.ClickException(_explain_all(error, {"env": env})) from None
    click.echo(f"wrote {output} from {metrics}")


def _locate_metrics(env: str | None, params: dict[str, object]) -> Path:
    """Find where the catalog has the metrics of the default workload."""
    from kedro.framework.session import KedroSession

    from selfsame.hooks.reading import locate
    from selfsame.workloads import DEFAULT

    given = prepare({"env": env, "params": params})["params"]
    runtime_params = dict(given) if isinstance(given, Mapping) else None
    context = KedroSession.create(env=env, runtime_params=runtime_params).load_context()
    return Path(locate(context.catalog, f"{DEFAULT.name}.metrics"))


model_card.params += [option for option in OPTIONS if option.name in ("env", "params")]
