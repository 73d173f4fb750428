"""Made-up captures, for the short form of benchmarks that need captures: those of the synthetic sample.

They are easy: they show that a benchmark works, and rates on them say nothing about real captures.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

from selfsame.pipelines.synthesis.params import FaceSynthesisParameters, SynthesisParameters
from selfsame.sources.synthetic.face_sample import stream_faces
from selfsame.sources.synthetic.instances import EYES, Instance, finger
from selfsame.sources.synthetic.sample import Population, stream_captures

SETTINGS = yaml.safe_load((Path(__file__).parents[1] / "conf/base/parameters_synthesis.yml").read_text())
SEED = 20260101


@dataclass(frozen=True)
class Made:
    """One capture.

    Attributes:
        subject: whose it is.
        instance: what it shows: `iris_left`, `iris_right`, `right_index`; nothing for faces.
        number: which of that instance's captures it is, from 1.
        content: the bytes of its file.
    """

    subject: str
    instance: str
    number: int
    content: bytes


def make_eyes(subjects: int, captures: int) -> list[Made]:
    """Make so many captures of both eyes of so many people."""
    return _make(subjects, dict.fromkeys(EYES, range(1, captures + 1)))


def make_prints(subjects: int, captures: int) -> list[Made]:
    """Make so many impressions of one finger of so many people."""
    return _make(subjects, {finger("right_index"): range(1, captures + 1)})


def make_faces(subjects: int, captures: int) -> list[Made]:
    """Draw so many faces of so many people."""
    model = FaceSynthesisParameters.model_validate(SETTINGS["faces"]["synthesis"]).face
    files = stream_faces(SEED, model, subjects=range(1, subjects + 1), captures=range(1, captures + 1))
    return _read(files)


def _make(subjects: int, captures: dict[Instance, range]) -> list[Made]:
    settings = SynthesisParameters.model_validate(SETTINGS["biometrics"]["synthesis"])
    population = Population(settings.eye, settings.fingerprint, settings.impression)
    return _read(stream_captures(SEED, population, subjects=range(1, subjects + 1), captures=captures))


def _read(files: Iterable[tuple[str, bytes]]) -> list[Made]:
    """Read from the paths what the captures are."""
    made = []
    for path, content in files:
        subject, *folders, name = Path(path).with_suffix("").parts
        prefix, number = re.fullmatch(r"(.*?)(\d+)", name).groups()
        made.append(Made(subject, prefix.rstrip("_") or "".join(folders), int(number), content))
    return made
