"""Irises: find pupil, limbus and what hides the iris between them, unwrap it, encode it and compare codes."""

from selfsame.iris.codes import IrisCodeSettings, compare_iris_codes, encode_iris_codes
from selfsame.iris.normalisation import normalise_iris

__all__ = ["IrisCodeSettings", "compare_iris_codes", "encode_iris_codes", "normalise_iris"]
