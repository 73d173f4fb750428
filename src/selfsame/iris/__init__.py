"""Irises: find pupil, limbus and what hides the iris between them, and unwrap it to a strip of fixed size."""

from selfsame.iris.normalisation import normalise_iris

__all__ = ["normalise_iris"]
