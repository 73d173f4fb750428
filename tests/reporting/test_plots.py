import io
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm

from selfsame.evaluation.results import Metrics
from selfsame.reporting.confusion import draw_confusion
from selfsame.reporting.curves import draw_cmc, draw_det, draw_open_set, draw_roc, trace_curves
from selfsame.reporting.headline import draw_headline
from selfsame.reporting.panels import MOST_LINES, Key, arrange
from selfsame.reporting.plots import draw_all
from selfsame.reporting.style import COLOURS, line_of, plain
from selfsame.reporting.wording import readable

NAMES = ["det", "roc", "cmc", "score_histograms", "confusion", "error_versus_discard", "open_set"]


def rendered(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=40)
    return np.asarray(Image.open(buffer).convert("L"))


def texts(figure):
    return " ".join(text.get_text() for axes in figure.axes for text in axes.texts)


def curves_in(axes, style):
    return [line for line in axes.lines if line.get_linewidth() == style]


def with_changes(metrics, **parts):
    return Metrics.model_validate({**metrics.model_dump(mode="json"), **parts})


@pytest.fixture(autouse=True)
def _no_warnings_and_no_global_figures():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


def test_every_plot_renders_to_an_image_that_is_not_blank(full_run):
    plots = draw_all(*full_run)
    assert list(plots) == NAMES
    for figure in plots.values():
        assert rendered(figure).std() > 5


def test_run_with_one_comparator_draws_every_plot_or_says_why_not(bare_run):
    plots = draw_all(*bare_run)
    assert list(plots) == NAMES
    for name in ("cmc", "confusion", "error_versus_discard", "open_set"):
        assert texts(plots[name]).startswith("No ")
    for figure in plots.values():
        assert rendered(figure).std() > 2


def test_no_scores_are_no_error(full_run):
    table, metrics = full_run
    plots = draw_all(table[:0], metrics)
    for name in ("det", "roc", "score_histograms"):
        assert texts(plots[name]).startswith("No comparison")


def test_scores_that_are_not_numbers_are_left_aside(bare_run):
    table, metrics = bare_run
    broken = table.assign(score=table["score"].where(table.index > 3))
    (curve,) = trace_curves(broken, metrics).values()
    assert len(curve.fmr) <= len(table) - 4 + 1
    assert rendered(draw_all(broken, metrics)["score_histograms"]).std() > 5


def test_det_crosses_the_diagonal_at_the_equal_error_rate(bare_run):
    axes = draw_det(trace_curves(*bare_run), bare_run[1]).axes[0]
    (line,) = curves_in(axes, 2.6)
    fmr, fnmr = (norm.cdf(values) for values in line.get_data())
    after = int(np.argmax(fmr <= fnmr))
    span = sorted([max(fmr[after], fnmr[after - 1]), min(fnmr[after], fmr[after - 1])])
    assert span[0] - 0.002 <= bare_run[1].outcomes[0].verification.eer <= span[1] + 0.002


def test_roc_begins_at_the_lowest_fmr_of_its_axis(bare_run):
    axes = draw_roc(trace_curves(*bare_run), bare_run[1]).axes[0]
    (line,) = curves_in(axes, 2.6)
    fmr, match = line.get_data()
    assert fmr[0] == pytest.approx(axes.get_xlim()[0])
    assert (np.diff(fmr) >= 0).all()
    assert (np.diff(match) >= 0).all()
    assert match[-1] == 1


def test_fmr_that_the_subjects_cannot_show_is_shaded(bare_run):
    axes = draw_roc(trace_curves(*bare_run), bare_run[1]).axes[0]
    shade = max(patch.get_x() + patch.get_width() for patch in axes.patches)
    assert shade == pytest.approx(bare_run[1].outcomes[0].verification.smallest_fmr)


def test_thinned_curve_stays_within_a_hair_of_the_whole_one(run_of):
    table, metrics = run_of(
        ("iris_left",), kinds=("open_set",), comparators=("cosine",), subjects=60, synthetic=()
    )
    (whole,) = trace_curves(table, metrics).values()
    (line,) = curves_in(draw_roc(trace_curves(table, metrics), metrics).axes[0], 2.6)
    fmr, match = line.get_data()
    assert len(fmr) < len(whole.fmr) / 2
    found = np.interp(whole.fmr, fmr, match)
    known = 1.0 - whole.fnmr
    low, high = np.interp(whole.fmr - 0.002, fmr, match), np.interp(whole.fmr + 0.002, fmr, match)
    away = (known < low - 0.01) | (known > high + 0.01)
    assert not away[(whole.fmr > fmr[0]) & np.isfinite(found)].any()


def test_column_a_protocol_and_a_legend_a_row(full_run):
    figure = draw_det(trace_curves(*full_run), full_run[1])
    titles = [axes.get_title(loc="left") for axes in figure.axes[:3]]
    assert titles == ["Chosen: closed set", "Chosen: subject-disjoint", "Chosen: open set"]
    legends = [axes.get_legend() for axes in figure.axes]
    assert [place for place, legend in enumerate(legends) if legend] == list(range(2, len(legends), 3))
    assert "all, quality" in [text.get_text() for text in legends[2].get_texts()]


def test_panels_of_one_protocol_stand_side_by_side_each_with_its_legend(metrics):
    axes = draw_open_set(metrics).axes
    assert axes[0].get_position().y0 == axes[1].get_position().y0
    assert all((one.get_legend() is not None) == one.axison for one in axes)


def test_lines_without_any_error_are_named_where_they_cannot_be_seen(bare_run):
    table, metrics = bare_run
    perfect = table.assign(score=table["mated"].astype(np.float32))
    assert texts(draw_det(trace_curves(perfect, metrics), metrics)) == "no error: iris code"
    assert texts(draw_det(trace_curves(table, metrics), metrics)) == ""


def test_cmc_has_no_column_for_a_protocol_without_ranks(metrics):
    titles = [axes.get_title(loc="left") for axes in draw_cmc(metrics).axes]
    assert not any("subject-disjoint" in title for title in titles)


def test_open_set_is_the_curve_of_the_results(metrics):
    axes = draw_open_set(metrics).axes[0]
    line = next(line for line in axes.lines if len(line.get_xdata()) > 10)
    assert norm.cdf(line.get_xdata()).max() == pytest.approx(0.6)
    assert norm.cdf(line.get_ydata()).min() == pytest.approx(axes_low(axes), rel=1e-6)


def axes_low(axes):
    return norm.cdf(axes.get_ylim()[0])


def test_few_lines_share_a_panel(run_of):
    metrics = run_of(("iris_left", "iris_right"), rules=("sum",))[1]
    (panel,) = arrange(metrics.outcomes, [])
    assert len(panel.lines) == 5


@pytest.mark.parametrize("modalities", [3, 4])
def test_no_panel_has_more_lines_than_can_be_told_apart(run_of, modalities):
    names = tuple("abcd"[:modalities])
    metrics = run_of(names, kinds=("closed_set",), comparators=tuple("uvwxyz"), subjects=3, probes=1)[1]
    panels = arrange(
        metrics.outcomes, [(one.figure, one.comparator) for one in metrics.headline("closed_set")]
    )
    assert max(len(panel.lines) for panel in panels) <= MOST_LINES
    assert {line for panel in panels for line in panel.lines} == {
        (one.figure, one.comparator) for one in metrics.outcomes
    }
    for panel in panels:
        styles = {str(sorted(panel.style(line).items(), key=str)) for line in panel.lines}
        assert len(styles) == len(panel.lines)


def test_line_keeps_its_style_under_every_protocol(full_run):
    curves = trace_curves(*full_run)
    figure = draw_det(curves, full_run[1])
    styles = [
        [(line.get_color(), line.get_linestyle()) for line in curves_in(axes, 2.6)]
        for axes in figure.axes[:3]
    ]
    assert styles[0] == styles[1] == styles[2]
    assert Key("open_set", "all", "quality") in curves


def test_lines_differ_in_colour_and_in_dashes():
    styles = [line_of(order, order) for order in range(len(COLOURS))]
    assert (
        len({style["color"] for style in styles}) == len({str(style["linestyle"]) for style in styles}) == 7
    )


def test_headline_plot_shows_rates_with_their_intervals(full_run):
    metrics = full_run[1]
    axes = draw_headline(metrics).axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    for one, bar in zip(metrics.headline("closed_set"), axes.lines[::2], strict=True):
        assert names[int(bar.get_ydata()[0])] == readable(one.figure)
        assert bar.get_xdata()[1] == pytest.approx(one.verification.eer_interval[1])


def test_rate_without_errors_is_hollow_at_the_edge_of_the_headline_plot(bare_run):
    document = bare_run[1].model_dump(mode="json")
    document["outcomes"][0]["verification"].update(eer=0.0, eer_interval=(0.0, 0.067))
    axes = draw_headline(Metrics.model_validate(document)).axes[0]
    assert axes.lines[1].get_markerfacecolor() == "white"
    assert axes.lines[1].get_xdata()[0] == axes.get_xlim()[0]
    assert "no error" in [text.get_text() for text in axes.texts]


def test_confusion_matrix_has_the_truth_in_rows(full_run):
    counts = draw_confusion(full_run[1]).axes[0].images[0].get_array()
    assert counts.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_names_that_look_like_formulas_are_drawn_as_they_are(bare_run):
    rates = {
        f"{name}{end}": bounds
        for name in ("accuracy", "precision_macro", "recall_macro", "f1_macro")
        for end, bounds in (("", 1.0), ("_interval", (0.5, 1.0)))
    }
    evil = "$\\frac{$"
    named = {**rates, "presentations": 1, "presentations_failed": 0, "subjects": 1}
    metrics = with_changes(bare_run[1], classification={"all": {**named, "confusions": [(evil, "指", 1)]}})
    assert rendered(draw_all(bare_run[0], metrics)["confusion"]).std() > 5
    assert plain("指$") == "\\u6307\\$"


def test_scores_that_are_all_the_same_can_be_drawn(bare_run):
    table, metrics = bare_run
    for figure in draw_all(table.assign(score=np.float32(1.0)), metrics).values():
        assert rendered(figure).std() > 2


def test_perfect_separation_can_be_drawn(bare_run):
    table, metrics = bare_run
    for figure in draw_all(table.assign(score=table["mated"].astype(np.float32)), metrics).values():
        assert rendered(figure).std() > 2
