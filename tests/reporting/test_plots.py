import io

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm

from selfsame.reporting.plots import draw_all, draw_cmc, draw_confusion, draw_error_curves
from selfsame.reporting.style import COLOURS, line_of


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return np.asarray(Image.open(buffer).convert("L"))


def test_every_plot_renders_to_an_image_that_is_not_blank(metrics):
    plots = draw_all(*metrics)
    assert list(plots) == ["det", "roc", "cmc", "score_histograms", "confusion"]
    for figure in plots.values():
        assert rendered(figure).std() > 5


def test_det_crosses_the_diagonal_at_the_equal_error_rate(metrics):
    det, _ = draw_error_curves(*metrics)
    results = list(metrics[1].verification.values())
    for line, result in zip(det.axes[0].lines, results, strict=False):
        fmr, fnmr = (norm.cdf(values) for values in line.get_data())
        after = int(np.argmax(fmr <= fnmr))
        span = sorted([max(fmr[after], fnmr[after - 1]), min(fnmr[after], fmr[after - 1])])
        assert span[0] - 0.002 <= max(result.eer, 0.0005) <= span[1] + 0.002  # the axes begin at 0.0005


def test_legends_name_figures_with_their_counts(metrics):
    det, roc = draw_error_curves(*metrics)
    for figure in (det, roc):
        labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        assert labels[0].startswith("iris left: EER")
        assert "12 mated, 60 non-mated, 6 subjects" in labels[0]
    assert "12 probes, 6 enrolled" in draw_cmc(metrics[1]).axes[0].get_legend().get_texts()[0].get_text()


def test_confusion_matrix_has_the_truth_in_rows(metrics):
    counts = draw_confusion(metrics[1]).axes[0].images[0].get_array()
    assert counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_protocol_without_a_classifier_says_so(metrics):
    figure = draw_confusion(metrics[1].model_copy(update={"classification": {}}))
    assert "No classifier is measured" in figure.axes[0].texts[0].get_text()


def test_lines_differ_in_colour_and_in_dashes():
    styles = [line_of(order) for order in range(len(COLOURS))]
    assert (
        len({style["color"] for style in styles}) == len({str(style["linestyle"]) for style in styles}) == 7
    )


def test_perfect_separation_can_be_drawn(metrics):
    table = metrics[0].assign(score=metrics[0]["mated"].astype(np.float32))
    assert rendered(draw_error_curves(table, metrics[1])[1]).std() > 5


@pytest.fixture(autouse=True)
def _no_global_figures():
    yield
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []
