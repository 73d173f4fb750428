"""Every plot of an evaluation, by the name of its dataset."""

import logging

import pandas as pd
from matplotlib.figure import Figure

from selfsame.evaluation.results import Metrics
from selfsame.reporting.confusion import draw_confusion
from selfsame.reporting.curves import draw_cmc, draw_det, draw_open_set, draw_roc, trace_curves
from selfsame.reporting.discards import draw_discards
from selfsame.reporting.histograms import draw_histograms

logger = logging.getLogger(__name__)


def draw_all(scores: pd.DataFrame, metrics: Metrics) -> dict[str, Figure]:
    """Draw every plot; one that has nothing to show says so.

    Args:
        scores: one row a comparison that gave a score, with protocol, fold, figure, comparator,
            probe_subject, reference_subject, probe, reference, mated, score (higher is more alike).
        metrics: their results.
    """
    logger.info("drawing the plots")
    curves = trace_curves(scores, metrics)
    return {
        "det": draw_det(curves, metrics),
        "roc": draw_roc(curves, metrics),
        "cmc": draw_cmc(metrics),
        "score_histograms": draw_histograms(scores, metrics),
        "confusion": draw_confusion(metrics),
        "error_versus_discard": draw_discards(metrics),
        "open_set": draw_open_set(metrics),
    }
