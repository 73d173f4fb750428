"""Sums of losses and of right answers over the batches of an epoch, in all processes."""

import time
from dataclasses import dataclass

import torch
from torch import Tensor

from selfsame.learning.distributed.processes import Member
from selfsame.learning.training.plan import Whole
from selfsame.learning.training.state import EpochPart


@dataclass(frozen=True)
class Losses:
    """The loss of a batch, and how often it was right.

    Attributes:
        total: scalar, fused loss plus the share of the mean loss of the single modalities; of a process that
            has a share of the batch, its summand in that.
        correct: scalar int64, presentations whose fused score is highest for the true subject.
    """

    total: Tensor
    correct: Tensor


class Tally:
    """Sums over the batches of an epoch, kept on the device until they are read.

    Losses are added one by one in float64, so that it makes no difference where a run was interrupted.

    Args:
        member: this process; each tallies its share of the batches.
        part: what was counted before by all of them, if anything.
    """

    def __init__(self, member: Member, part: EpochPart | None = None) -> None:
        before = part or EpochPart()
        self._member = member
        self._loss = torch.tensor(before.loss if member.first else 0.0, dtype=torch.float64)
        self._correct = torch.tensor(before.correct if member.first else 0)
        self.presentations = before.presentations
        self.images = before.images
        self._seconds = before.seconds
        self.start()

    def start(self) -> None:
        """Start the clock: from now on the first batch is awaited."""
        self._start_s = time.perf_counter()

    def add(self, losses: Losses, whole: Whole) -> None:
        """Count a batch."""
        loss = losses.total.detach().double() * len(whole)
        self._loss = self._loss.to(loss.device) + loss
        self._correct = self._correct.to(loss.device) + losses.correct
        self.presentations += len(whole)
        self.images += int(whole.present.sum())

    def read(self, steps: int) -> EpochPart:
        """Add up what all processes counted in so many steps of the epoch; each of them has to call this."""
        both = torch.stack([self._loss, self._correct.double()])
        loss, correct = self._member.add_up(both).tolist() if self.presentations else (0.0, 0.0)
        seconds = self._seconds + time.perf_counter() - self._start_s
        return EpochPart(steps, loss, int(correct), self.presentations, self.images, seconds)
