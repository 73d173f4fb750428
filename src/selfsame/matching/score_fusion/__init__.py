"""One score from those of several modalities: rules, their fits, calibration, cross-fitting."""
