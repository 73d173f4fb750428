"""Selfsame: from folders of iris, fingerprint and face captures to a measured, served recogniser."""

__version__ = "0.1.0"
