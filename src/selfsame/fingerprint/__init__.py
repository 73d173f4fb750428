"""Segmentation, normalisation and distortion of fingerprints.

Import from the modules: `distortion_model` is light, the others load OpenCV.
"""
