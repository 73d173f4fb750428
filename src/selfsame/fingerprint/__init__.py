"""Segmentation, normalisation and distortion of fingerprints."""

from selfsame.fingerprint.distortion import distort_fingerprint
from selfsame.fingerprint.distortion_model import DistortionModel
from selfsame.fingerprint.normalisation import normalise_fingerprint

__all__ = ["DistortionModel", "distort_fingerprint", "normalise_fingerprint"]
