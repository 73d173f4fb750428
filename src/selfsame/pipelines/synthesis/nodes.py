"""The nodes that make a synthetic sample. All are lazy: a file is made while the one before is written."""

import logging
from collections.abc import Iterator

from selfsame.parallel.progress import follow
from selfsame.pipelines.synthesis.params import FaceSynthesisParameters, SynthesisParameters

logger = logging.getLogger(__name__)


def synthesise_captures(parameters: SynthesisParameters, seed: int) -> Iterator[tuple[str, bytes]]:
    """Make the sample.

    Args:
        parameters: who is captured, how often and how.
        seed: the same seed and parameters give the same bytes.

    Returns:
        A stream of (path relative to the root, file content).
    """
    from selfsame.sources.synthetic.instances import EYES, finger
    from selfsame.sources.synthetic.sample import Population, stream_captures

    fingers = [finger(name) for name in parameters.fingers]
    captures = dict.fromkeys(EYES, range(1, parameters.captures_per_eye + 1)) | dict.fromkeys(
        fingers, range(1, parameters.captures_per_finger + 1)
    )
    each = sum(len(numbers) for numbers in captures.values())
    logger.info("synthesis: %d subjects, %d captures of each", parameters.subjects, each)
    files = stream_captures(
        seed,
        Population(parameters.eye, parameters.fingerprint, parameters.impression),
        subjects=range(1, parameters.subjects + 1),
        captures=captures,
    )
    return follow(files, "synthesis", parameters.subjects * each, "capture")


def synthesise_presentations(parameters: SynthesisParameters, seed: int) -> Iterator[tuple[str, bytes]]:
    """Make what inference is shown: further captures of people of the sample, strangers, and a broken file.

    Args:
        parameters: those of the sample.
        seed: that of the sample, so that the people are the same.

    Returns:
        A stream of (path relative to the root, file content); no capture of it is in the sample.
    """
    from selfsame.sources.synthetic.instances import finger
    from selfsame.sources.synthetic.sample import Population, stream_presentations

    shown = parameters.presentations
    used = max(parameters.captures_per_eye, parameters.captures_per_finger)
    logger.info(
        "synthesis: presentations of %d known and %d unknown subjects",
        shown.known_subjects,
        shown.unknown_subjects,
    )
    return stream_presentations(
        seed,
        Population(parameters.eye, parameters.fingerprint, parameters.impression),
        subjects=shown.number_subjects(parameters.subjects),
        numbers=range(used + 1, used + shown.per_subject + 1),
        fingers=tuple(finger(name) for name in parameters.fingers),
    )


def synthesise_faces(parameters: FaceSynthesisParameters, seed: int) -> Iterator[tuple[str, bytes]]:
    """Make the sample of faces: a stream of (path relative to the root, file content)."""
    from selfsame.sources.synthetic.face_sample import stream_faces

    subjects, each = parameters.subjects, parameters.captures_per_face
    logger.info("synthesis: %d subjects, %d faces of each", subjects, each)
    files = stream_faces(seed, parameters.face, subjects=range(1, subjects + 1), captures=range(1, each + 1))
    return follow(files, "synthesis", subjects * each, "capture")


def synthesise_new_faces(parameters: FaceSynthesisParameters, seed: int) -> Iterator[tuple[str, bytes]]:
    """Make the faces that inference is shown: further captures of people of the sample, and strangers."""
    from selfsame.sources.synthetic.face_sample import stream_faces

    shown, used = parameters.presentations, parameters.captures_per_face
    return stream_faces(
        seed,
        parameters.face,
        subjects=shown.number_subjects(parameters.subjects),
        captures=range(used + 1, used + shown.per_subject + 1),
    )
