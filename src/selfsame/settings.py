"""Settings that Kedro reads when the project starts."""

from selfsame.hooks.agreement import AgreeingParameters
from selfsame.hooks.captures import CapturesThere, NewCapturesInLog
from selfsame.hooks.device import DeviceCheck
from selfsame.hooks.lock import OneRunAtATime
from selfsame.hooks.record import RunRecord
from selfsame.hooks.required_inputs import RequiredInputs
from selfsame.hooks.roots import GivenRoots
from selfsame.hooks.settings import KnownParameters, OwnRoots
from selfsame.hooks.summary import RunSummary
from selfsame.hooks.typed_parameters import TypedParameters
from selfsame.torchrun import TrainsTogether, is_first

# The last one is called first: the inputs after the device.
CHECKS = (
    GivenRoots(),
    TypedParameters(),
    KnownParameters(),
    OwnRoots(),
    AgreeingParameters(),
    CapturesThere(),
    RequiredInputs(),
    DeviceCheck(),
    TrainsTogether(),
    NewCapturesInLog(),
)

# Of the processes that torchrun starts, the first one locks for all, and it alone leaves records.
HOOKS = (*CHECKS, OneRunAtATime(), RunRecord(), RunSummary()) if is_first() else CHECKS

# kedro-viz writes .viz/ into the project at each run; `kedro viz` needs none of it.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-viz",)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "globals": "soft"},
}
