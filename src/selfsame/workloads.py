"""The workloads: which modalities are recognised together. A new workload is one row here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    """One recognition task.

    Attributes:
        name: a namespace of the graph.
        modalities: in a fixed order; one without captures is left out of a run.
        synthesised: whether a sample can be made up for it.
        estimated: a modality whose captures also fit the estimators of `pipelines/estimation`.
        trained: whether a network is trained; without one, the comparators that need none are measured.
    """

    name: str
    modalities: tuple[str, ...]
    trained: bool = True
    synthesised: bool = False
    estimated: str | None = None


WORKLOADS = (
    Workload("biometrics", ("iris_left", "iris_right", "fingerprint"), synthesised=True),
    Workload("irises", ("iris_left", "iris_right", "iris"), trained=False),
    Workload("fingerprints", ("fingerprint",), trained=False),
    Workload("faces", ("face",), synthesised=True, estimated="face"),
)

DEFAULT = WORKLOADS[0]
