"""The figures that are reported: every set of modalities; never a name that flatters."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

SYNTHETIC = "_synthetic_impressions"


@dataclass(frozen=True)
class Figure:
    """One row of the tables: its name and the modalities whose scores it fuses."""

    name: str
    modalities: tuple[str, ...]


def figure_name(modality: str, probes: pd.DataFrame) -> str:
    """Name a modality's figures after what its probes are: captures, or synthetic impressions of them."""
    return modality + SYNTHETIC if holds_synthetic(probes) else modality


def holds_synthetic(probes: pd.DataFrame) -> bool:
    """Tell whether probes are synthetic impressions."""
    return bool((probes["impression"] > 0).any())


def name_figures(modalities: Sequence[str], synthetic: Collection[str]) -> list[Figure]:
    """List the figures of a workload in the order they are shown: every set of modalities, small ones first.

    The set of several iris modalities and no other is called `irises`, that of all modalities `all`; others
    are named after their members, as in `iris_left+fingerprint`.

    Args:
        modalities: those that are compared, in the workload's order.
        synthetic: those of them whose probes are synthetic impressions.
    """
    names = {modality: modality + SYNTHETIC * (modality in synthetic) for modality in modalities}
    return [Figure(_name_set(chosen, modalities, names), chosen) for chosen in subsets(modalities)]


def _name_set(chosen: Sequence[str], present: Sequence[str], names: Mapping[str, str]) -> str:
    irises = [modality for modality in present if modality.startswith("iris")]
    if len(chosen) == 1:
        return names[chosen[0]]
    if list(chosen) == irises:
        return "irises"
    return "all" if len(chosen) == len(present) else "+".join(names[modality] for modality in chosen)


def subsets(modalities: Sequence[str]) -> list[tuple[str, ...]]:
    """List every non-empty subset in the workload's order, small ones first."""
    return [chosen for size in range(1, len(modalities) + 1) for chosen in combinations(modalities, size)]
