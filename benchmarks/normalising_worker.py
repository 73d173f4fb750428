"""A process that normalises irises with one version of the package, so that versions can be compared.

It reads a line, normalises all eyes once and answers with its processor seconds, until its input ends. What
it found is in the file that it was given.
"""

import sys
import time

import cv2
import numpy as np

NAMES = ("pupil_x", "pupil_y", "pupil_radius", "limbus_x", "limbus_y", "limbus_radius")


def serve(given: str, found: str, height: int, width: int) -> None:
    """Answer every line."""
    from selfsame.errors import CaptureError
    from selfsame.iris.normalisation import normalise_iris

    cv2.setNumThreads(1)
    with np.load(given) as file:
        eyes = [file[name] for name in file.files]
    circles = np.full((len(eyes), len(NAMES)), np.nan)
    rows = np.zeros((len(eyes), 2, height, width), np.uint8)
    for _ in sys.stdin:
        used = 0.0
        for i, eye in enumerate(eyes):
            began = time.process_time()
            try:
                one = normalise_iris(eye, height=height, width=width)
            except CaptureError:
                one = None
            used += time.process_time() - began
            if one is not None:
                circles[i] = [one.measures[name] for name in NAMES]
                rows[i] = one.image, one.mask
        np.savez(found, circles=circles, rows=rows)
        print(used, flush=True)
