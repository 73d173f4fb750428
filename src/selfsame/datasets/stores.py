"""Object stores: what sets them apart from other filesystems that fsspec knows."""

import fsspec

STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""Where a path begins with a bucket (or container), and has no folders below it."""


def describe_store_error(error: Exception) -> str:
    """Say what a store's error was, and what this machine needs."""
    said = " ".join(f"{type(error).__name__}: {error}".split())
    needed = "give it the store's credentials, address and package, and run again; finished shards are kept"
    return f"({said}): {needed}"


def make_folder(filesystem: fsspec.AbstractFileSystem, protocol: str, path: str) -> None:
    """Make a folder on a filesystem that has folders.

    On an object store nothing is made: an object needs no folder, and what fsspec would make is the bucket,
    also where its name is only misspelt.
    """
    if protocol not in STORES:
        filesystem.makedirs(path, exist_ok=True)
