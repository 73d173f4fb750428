"""What an earlier run left to go on from, if it was one of the same task and regimen."""

import logging
from io import BytesIO
from pathlib import Path

from selfsame.errors import DamagedError, InputError
from selfsame.learning.checkpoint import Origin
from selfsame.learning.distributed.processes import Member
from selfsame.learning.training.regimen import Checkpoints
from selfsame.learning.training.state import (
    STATE_NAME,
    WITHIN_NAME,
    RunState,
    name_difference,
    pack_state,
    read_state,
    unpack_state,
)

logger = logging.getLogger(__name__)


def find_together(
    origin: Origin, checkpoints: Checkpoints, folder: Path, member: Member, device: str
) -> RunState | None:
    """Find what the first process finds, which alone needs to see the folder.

    What is trained is compared, and when states are written, because all processes meet then.

    Raises:
        InputError: the processes have other captures, settings or code.
    """
    if member.world == 1:
        return find_earlier(origin, folder)
    told = f"{origin.digest} {checkpoints.model_dump_json()}".encode()
    if member.share(told, device) != told:
        raise InputError(
            f"expected the same captures, settings and code in every process, got others in number "
            f"{member.rank}: bring the machines to one state"
        )
    packed = BytesIO()
    if member.first and (earlier := find_earlier(origin, folder)):
        pack_state(earlier, packed)
    shared = member.share(packed.getvalue(), device)
    return unpack_state(shared, "what the first process sent") if shared else None


def find_finished(origin: Origin, folder: Path) -> RunState | None:
    """Find a finished run with the same origin."""
    try:
        state = read_state(folder)
    except DamagedError:
        return None
    return state if state and state.finished and not name_difference(origin, state.origin) else None


def find_earlier(origin: Origin, folder: Path) -> RunState | None:
    """Find the furthest state that an earlier run with the same origin left, and say what was found."""
    found: list[RunState] = []
    lost: list[str] = []
    for name in (STATE_NAME, WITHIN_NAME):
        try:
            state = read_state(folder, name)
        except DamagedError as error:
            lost.append(f" ({error})")
            continue
        difference = name_difference(origin, state.origin) if state else None
        if difference:
            lost.append(f", because the earlier run was of {difference}")
        elif state:
            found.append(state)
    if not found:
        if lost:
            logger.info("training: begins afresh%s", lost[0])
        return None
    earlier = max(found, key=lambda one: one.progress)
    if not earlier.finished:
        _say_where(earlier, lost)
    return earlier


def _say_where(earlier: RunState, lost: list[str]) -> None:
    """Say from where an interrupted run goes on, and what cannot be used."""
    epochs, steps = earlier.progress
    if lost:
        logger.info("training: leaves a state aside%s", lost[0])
    if steps:
        logger.info("training: goes on after step %d of epoch %d of an interrupted run", steps, epochs + 1)
    else:
        logger.info("training: goes on after epoch %d of an interrupted run", epochs)
