"""The workloads: which modalities are recognised together. A new workload is one row here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One recognition task: its name (a namespace of the graph) and its modalities in a fixed order."""

    name: str
    modalities: tuple[str, ...]


WORKLOADS = (Workload("biometrics", ("iris_left", "iris_right", "fingerprint")),)

DEFAULT = WORKLOADS[0]
