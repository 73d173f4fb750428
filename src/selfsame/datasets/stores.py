"""Object stores: what sets them apart from other filesystems that fsspec knows."""

import fsspec

STORES = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az"})
"""Where a path begins with a bucket (or container), and has no folders below it."""


def make_folder(filesystem: fsspec.AbstractFileSystem, protocol: str, path: str) -> None:
    """Make a folder on a filesystem that has folders.

    On an object store nothing is made: an object needs no folder, and what fsspec would make is the bucket,
    also where its name is only misspelt.
    """
    if protocol not in STORES:
        filesystem.makedirs(path, exist_ok=True)
