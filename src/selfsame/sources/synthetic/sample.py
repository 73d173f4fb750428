"""A stream of image files of made-up people, in the plain layout `subject/modality/file`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.imaging.png import encode_png
from selfsame.sources.synthetic.eye import render_eye
from selfsame.sources.synthetic.eye_model import EyeModel
from selfsame.sources.synthetic.eye_pose import pose_eye
from selfsame.sources.synthetic.fingerprint import impress, synthesise_master
from selfsame.sources.synthetic.fingerprint_model import FingerprintModel
from selfsame.sources.synthetic.instances import EYES, Instance
from selfsame.sources.synthetic.iris import synthesise_iris

File = tuple[str, bytes]
"""A path relative to the root of the sample, with forward slashes, and the file's content."""

BROKEN_SHARE = 3
"""A broken file holds one part in so many of its bytes."""


@dataclass(frozen=True)
class Population:
    """The people of a sample and the devices that capture them.

    Attributes:
        eye: irises and the camera.
        fingerprint: fingers and the sensor.
        impression: how impressions of one finger differ.
    """

    eye: EyeModel
    fingerprint: FingerprintModel
    impression: DistortionModel


def stream_captures(
    seed: int, population: Population, *, subjects: Iterable[int], captures: dict[Instance, range]
) -> Iterator[File]:
    """Make captures one after the other; nothing is kept but the master of the instance at hand.

    Every capture draws from a generator of its own, derived from (seed, subject, instance, capture): more
    subjects, instances or captures change no file that was there before.

    Args:
        seed: of the whole sample, 0 or more.
        population: who is captured and how.
        subjects: numbers of the subjects, from 1.
        captures: numbers of the captures, from 1, of each instance of every subject.

    Yields:
        Path and PNG bytes, such as `s0001/iris_left/1.png` or `s0001/fingerprint/right_index_1.png`.
    """
    for subject in subjects:
        for instance, numbers in captures.items():
            render = _meet(draw_generator(seed, subject, instance, 0), instance, population)
            for number in numbers:
                image = render(draw_generator(seed, subject, instance, number))
                yield name_file(subject, instance, number), encode_png(image)


def stream_presentations(
    seed: int,
    population: Population,
    *,
    subjects: Sequence[int],
    numbers: range,
    fingers: tuple[Instance, ...],
) -> Iterator[File]:
    """Make presentations, both eyes and one finger each, the fingers in turn; and after them a broken file.

    Args:
        seed: of the whole sample.
        population: who is captured and how.
        subjects: numbers of the subjects, from 1.
        numbers: numbers of the presentations, which are those of their captures.
        fingers: the fingers of every subject; may be empty.

    Yields:
        Path and bytes, as in `stream_captures`; the last file, an eye of the first subject, ends early as
        after an interrupted transfer.
    """
    for subject in subjects:
        for number in numbers:
            shown = EYES + ((fingers[number % len(fingers)],) if fingers else ())
            captures = {instance: range(number, number + 1) for instance in shown}
            yield from stream_captures(seed, population, subjects=[subject], captures=captures)
    for subject in subjects[:1]:
        last = {EYES[0]: range(numbers.stop, numbers.stop + 1)}
        for path, content in stream_captures(seed, population, subjects=[subject], captures=last):
            yield path, content[: len(content) // BROKEN_SHARE]


def draw_generator(seed: int, subject: int, instance: Instance, capture: int) -> np.random.Generator:
    """Derive the generator of one capture, or of the instance itself where `capture` is 0."""
    sequence = np.random.SeedSequence(seed, spawn_key=(subject, instance.key, capture))
    return np.random.default_rng(sequence)


def name_file(subject: int, instance: Instance, capture: int) -> str:
    """Name a capture's file in the plain layout."""
    return f"s{subject:04d}/{instance.modality}/{instance.prefix}{capture}.png"


def _meet(
    rng: np.random.Generator, instance: Instance, population: Population
) -> Callable[[np.random.Generator], NDArray[np.uint8]]:
    """Draw one identity, and return what captures it with a capture's generator."""
    if instance.modality == "fingerprint":
        finger = synthesise_master(rng, population.fingerprint)
        return lambda capture: impress(finger, capture, population.impression)
    iris = synthesise_iris(rng, population.eye, nose=1 if instance.name == "right" else -1)

    def render(capture: np.random.Generator) -> NDArray[np.uint8]:
        pose = pose_eye(capture, iris, population.eye)
        return render_eye(capture, iris, pose, population.eye)

    return render
