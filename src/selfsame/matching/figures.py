"""The figures that are reported: each modality, the irises, all modalities; never a name that flatters."""

from collections.abc import Mapping, Sequence
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


def name_figures(probes: Mapping[str, pd.DataFrame]) -> list[Figure]:
    """List the figures of a workload in the order they are shown.

    Args:
        probes: for each modality, in the workload's order, the index rows of its probes.

    Returns:
        Each modality that has probes, then `irises` where there are several iris modalities, then `all`.
    """
    present = [modality for modality, rows in probes.items() if len(rows)]
    figures = [Figure(figure_name(modality, probes[modality]), (modality,)) for modality in present]
    irises = tuple(modality for modality in present if modality.startswith("iris"))
    if len(irises) > 1:
        figures.append(Figure("irises", irises))
    if len(present) > 1:
        figures.append(Figure("all", tuple(present)))
    return figures


def subsets(modalities: Sequence[str]) -> list[tuple[str, ...]]:
    """List every non-empty subset in the workload's order, small ones first."""
    return [chosen for size in range(1, len(modalities) + 1) for chosen in combinations(modalities, size)]
