"""The plot of whom the classifier named."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from selfsame.evaluation.results import Classification, Metrics
from selfsame.reporting.style import dress, new_figure, plain, say
from selfsame.reporting.wording import count, order_naturally, percent, readable

LABELLED_SUBJECTS = 50
"""Up to that many subjects the confusion matrix names each of them."""


def draw_confusion(metrics: Metrics) -> Figure:
    """Draw who was named whom by the classifier, for the figure that uses most modalities.

    Where the run has no classifier to measure, the figure says so.
    """
    if not metrics.classification:
        return say("No classifier is measured: none was trained, or no protocol is a closed set.")
    name, result = list(metrics.classification.items())[-1]
    labels, counts = _confusion_matrix(result)
    figure = new_figure(width=7.6, height=7.0)
    axes = figure.add_subplot()
    image = axes.imshow(counts, cmap="Blues", interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.7, label="Presentations", ticks=MaxNLocator(integer=True))
    title = f"{readable(name)}: {percent(result.accuracy)} of {count(result.presentations)} right"
    dress(axes, title=title, x="Named by the classifier", y="Subject presented")
    axes.grid(visible=False)
    if len(labels) <= LABELLED_SUBJECTS:
        names = [plain(label) for label in labels]
        axes.set_xticks(range(len(labels)), names, fontsize=6, rotation=90)
        axes.set_yticks(range(len(labels)), names, fontsize=6)
    return figure


def _confusion_matrix(result: Classification) -> tuple[list[str], NDArray[np.int64]]:
    found = {label for truth, named, _ in result.confusions for label in (truth, named)}
    labels = sorted(found, key=order_naturally)
    position = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((len(labels), len(labels)), dtype=np.int64)
    for truth, named, number in result.confusions:
        counts[position[truth], position[named]] = number
    return labels, counts
