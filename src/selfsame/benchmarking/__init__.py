"""Benchmarking: what preprocessing and loading reach on this machine with the captures at hand."""
