"""Irises: find pupil, limbus and what hides the iris between them, unwrap it, encode it and compare codes.

Import from the modules: `codes` is light, the others load OpenCV.
"""
