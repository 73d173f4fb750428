"""The workloads: which modalities are recognised together. A new workload is one row here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One recognition task.

    Attributes:
        name: a namespace of the graph.
        modalities: in a fixed order; one without captures is left out of a run.
        trained: whether a network is trained; without one, the comparators that need none are measured.
    """

    name: str
    modalities: tuple[str, ...]
    trained: bool = True


WORKLOADS = (
    Workload("biometrics", ("iris_left", "iris_right", "fingerprint")),
    Workload("irises", ("iris_left", "iris_right", "iris"), trained=False),
    Workload("fingerprints", ("fingerprint",), trained=False),
)

DEFAULT = WORKLOADS[0]
