"""Faces: normalisation, and the eigenfaces of a set of them.

Import from the modules: `eigenfaces` is light, `normalisation` loads OpenCV.
"""
