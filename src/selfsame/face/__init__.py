"""Faces: normalisation, and the eigenfaces of a set of them."""

from selfsame.face.normalisation import normalise_face

__all__ = ["normalise_face"]
