"""The machine that figures were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

NAMED = ("selfsame", "torch", "numpy", "opencv-python-headless", "kedro")
"""The packages whose versions decide speed."""


def describe_machine() -> dict[str, str | int]:
    """Name the processor and its cores, the memory, how busy it is, and the versions of what runs on it."""
    models = _find("/proc/cpuinfo", "model name")
    return {
        "processor": models or platform.processor() or platform.machine(),
        "cores": count_cores(),
        "memory": _find("/proc/meminfo", "MemTotal"),
        "load": round(os.getloadavg()[0]),
        "python": platform.python_version(),
        **{name: version(name) for name in NAMED},
    }


def count_cores() -> int:
    """Count the cores that this process may use."""
    from joblib import cpu_count

    return int(cpu_count())


def _find(path: str, key: str) -> str:
    """Find what a file of `key: value` lines says, or nothing where there is no such file."""
    file = Path(path)
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")
