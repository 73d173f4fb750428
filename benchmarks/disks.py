"""Disks that are small, and disks that cannot be written, for runs to fail on."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[bool]:
    """Mount a tmpfs of so many bytes at a folder, where this process may; say whether it did."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    able = shutil.which("mount") is not None
    mounted = able and subprocess.run(command, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", str(folder)], check=True)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def used_of(disk: Path) -> int:
    found = os.statvfs(disk)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


def resize(disk: Path, size_bytes: int) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(disk)], check=True)


@contextmanager
def read_only_copy(folder: Path, copy: Path) -> Iterator[bool]:
    """Copy a folder to a place that cannot be written; say whether that could be brought about."""
    with small_disk(copy, 2 * size_of(folder) + 2**24) as mounted:
        shutil.copytree(folder, copy, dirs_exist_ok=True)
        folders = [copy, *(path for path in copy.rglob("*") if path.is_dir())]
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(copy)], check=True)
        else:
            for one in folders:
                one.chmod(0o555)
        yield mounted or os.geteuid() != 0
        if not mounted:
            for one in folders:
                one.chmod(0o755)
