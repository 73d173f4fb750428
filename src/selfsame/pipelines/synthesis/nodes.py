"""The node that makes the synthetic sample."""

import logging
from collections.abc import Iterator

from selfsame.pipelines.synthesis.params import SynthesisParameters

logger = logging.getLogger(__name__)

Files = Iterator[tuple[str, bytes]]


def synthesise_captures(parameters: SynthesisParameters, seed: int) -> tuple[Files, Files]:
    """Make the sample and the presentations for inference, lazily: files are made while they are written.

    Args:
        parameters: who is captured, how often and how.
        seed: the same seed and parameters give the same bytes.

    Returns:
        Captures and new captures, each a stream of (path relative to its root, file content). The new ones
        are of subjects of the sample, of strangers, and one file that is broken.
    """
    from selfsame.sources.synthetic.instances import EYES, finger
    from selfsame.sources.synthetic.sample import Population, stream_captures, stream_presentations

    population = Population(parameters.eye, parameters.fingerprint, parameters.impression)
    fingers = tuple(finger(name) for name in parameters.fingers)
    captures = stream_captures(
        seed,
        population,
        subjects=range(1, parameters.subjects + 1),
        captures=dict.fromkeys(EYES, range(1, parameters.captures_per_eye + 1))
        | dict.fromkeys(fingers, range(1, parameters.captures_per_finger + 1)),
    )
    used = max(parameters.captures_per_eye, parameters.captures_per_finger)
    shown = parameters.presentations
    new_captures = stream_presentations(
        seed,
        population,
        subjects=[
            *range(1, shown.known_subjects + 1),
            *range(parameters.subjects + 1, parameters.subjects + shown.unknown_subjects + 1),
        ],
        numbers=range(used + 1, used + shown.per_subject + 1),
        fingers=fingers,
    )
    logger.info(
        "synthesis: %d subjects, %d captures of each",
        parameters.subjects,
        len(EYES) * parameters.captures_per_eye + len(fingers) * parameters.captures_per_finger,
    )
    return captures, new_captures
