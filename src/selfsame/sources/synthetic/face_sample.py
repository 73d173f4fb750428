"""A stream of image files of made-up faces, in the layout of the AT&T faces: `s1/1.png`."""

from collections.abc import Iterable, Iterator

from selfsame.imaging.png import encode_png
from selfsame.sources.synthetic.face import pose_face, render_face, synthesise_face
from selfsame.sources.synthetic.face_model import FaceModel
from selfsame.sources.synthetic.instances import Instance
from selfsame.sources.synthetic.sample import File, draw_generator

FACE = Instance("face", "face", 30)


def stream_faces(seed: int, model: FaceModel, *, subjects: Iterable[int], captures: range) -> Iterator[File]:
    """Make captures one after the other; every one has a generator of its own.

    More subjects or captures change no file that was there before.

    Args:
        seed: of the whole sample, 0 or more.
        model: who is captured and how.
        subjects: numbers of the subjects, from 1.
        captures: numbers of the captures of every subject, from 1.

    Yields:
        Path and PNG bytes.
    """
    for subject in subjects:
        face = synthesise_face(draw_generator(seed, subject, FACE, 0), model)
        for number in captures:
            rng = draw_generator(seed, subject, FACE, number)
            image = render_face(rng, face, pose_face(rng, model), model)
            yield f"s{subject}/{number}.png", encode_png(image)
