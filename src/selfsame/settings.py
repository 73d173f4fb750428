"""Settings that Kedro reads when the project starts."""

from selfsame.hooks import DeviceCheck, KnownParameters, OneRunAtATime, OwnRoots, RunRecord, RunSummary
from selfsame.required_inputs import RequiredInputs

HOOKS = (
    KnownParameters(),
    OwnRoots(),
    RequiredInputs(),  # called after the check of the device: the last one is called first
    DeviceCheck(),
    OneRunAtATime(),
    RunRecord(),
    RunSummary(),
)

# kedro-viz writes .viz/ into the project at each run; `kedro viz` needs none of it.
DISABLE_HOOKS_FOR_PLUGINS = ("kedro-viz",)

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "globals": "soft"},
}
