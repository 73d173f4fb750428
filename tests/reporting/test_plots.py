import io
import warnings
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.stats import norm

from selfsame.evaluation.results import Metrics
from selfsame.reporting.confusion import draw_confusion
from selfsame.reporting.curves import draw_cmc, draw_det, draw_open_set, draw_roc, trace_curves
from selfsame.reporting.discards import draw_discards
from selfsame.reporting.grid import STRONG
from selfsame.reporting.headline import draw_headline
from selfsame.reporting.histograms import draw_histograms
from selfsame.reporting.panels import MOST_LINES, Key, arrange, name_flawless
from selfsame.reporting.plots import draw_all
from selfsame.reporting.style import ACROSS, COLOURS, line_of, plain
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
    (line,) = curves_in(axes, STRONG)
    fmr, fnmr = (norm.cdf(values) for values in line.get_data())
    after = int(np.argmax(fmr <= fnmr))
    span = sorted([max(fmr[after], fnmr[after - 1]), min(fnmr[after], fmr[after - 1])])
    assert span[0] - 0.002 <= bare_run[1].outcomes[0].verification.eer <= span[1] + 0.002


def test_roc_begins_at_the_lowest_fmr_of_its_axis(bare_run):
    axes = draw_roc(trace_curves(*bare_run), bare_run[1]).axes[0]
    (line,) = curves_in(axes, STRONG)
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
    (line,) = curves_in(draw_roc(trace_curves(table, metrics), metrics).axes[0], STRONG)
    fmr, match = line.get_data()
    assert len(fmr) < len(whole.fmr) / 2
    found = np.interp(whole.fmr, fmr, match)
    known = 1.0 - whole.fnmr
    low, high = np.interp(whole.fmr - 0.002, fmr, match), np.interp(whole.fmr + 0.002, fmr, match)
    away = (known < low - 0.01) | (known > high + 0.01)
    assert not away[(whole.fmr > fmr[0]) & np.isfinite(found)].any()


def titles_of(figure):
    return [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes]


def names_in(axes):
    return [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]


def test_protocols_of_a_group_of_lines_stand_side_by_side(full_run):
    figure = draw_det(trace_curves(*full_run), full_run[1])
    assert titles_of(figure)[:3] == ["Chosen: closed set", "Chosen: subject-disjoint", "Chosen: open set"]
    assert len({round(axes.get_position().y0, 6) for axes in figure.axes[:3]}) == 1


def test_legend_names_the_lines_of_its_panel_and_no_others(full_run):
    curves = trace_curves(*full_run)
    flawless = {key for key in curves if key[:2] == ("closed_set", "irises")}
    for key in flawless:
        curves[key] = replace(curves[key], fmr=np.array([1.0, 0.0, 0.0]), fnmr=np.array([0.0, 0.0, 1.0]))
    figure = draw_det(curves, full_run[1])
    for axes in figure.axes:
        drawn = [line for line in axes.lines if line.get_linewidth() > 1]
        styles = [(line.get_color(), line.get_linestyle()) for line in axes.get_legend().get_lines()]
        assert [(line.get_color(), line.get_linestyle()) for line in drawn] == styles
    (first, *_) = figure.axes
    assert not any("irises" in name for name in names_in(first))
    assert any("irises" in name for axes in figure.axes for name in names_in(axes))


def test_comparator_has_one_colour_in_every_panel_and_plot(full_run):
    table, metrics = full_run
    curves = trace_curves(table, metrics)
    colours = {}
    for figure in (draw_det(curves, metrics), draw_roc(curves, metrics), draw_open_set(metrics)):
        for axes in figure.axes:
            for name, line in zip(names_in(axes), axes.get_legend().get_lines(), strict=True):
                comparator = name.replace(" by ", ", ").split(", ")[-1]
                colours.setdefault(comparator, set()).add(line.get_color())
    assert set(colours) == {"cosine", "iris code", "sum", "quality"}
    assert all(len(seen) == 1 for seen in colours.values())
    assert len(set.union(*colours.values())) == len(colours)


def test_panels_of_one_protocol_stand_side_by_side_each_with_its_legend(metrics):
    axes = draw_open_set(metrics).axes
    assert axes[0].get_position().y0 == axes[1].get_position().y0
    assert all(one.get_legend() is not None for one in axes)


def test_plot_of_many_lines_fits_a_page(full_run):
    width, height = draw_det(trace_curves(*full_run), full_run[1]).get_size_inches()
    assert width < 12
    assert height < 2 * width


def test_panel_without_any_error_is_left_out_and_named_in_a_sentence(full_run):
    table, metrics = full_run
    perfect = table.assign(
        score=table["score"].where(table["protocol"] != "open_set", table["mated"].astype(np.float32))
    )
    figure = draw_det(trace_curves(perfect, metrics), metrics)
    assert not any("open set" in title for title in titles_of(figure))
    (note,) = [text.get_text() for text in figure.texts]
    assert note.startswith("No errors:\n")
    assert "\nOpen set: iris left" in note


def test_run_without_any_error_says_so_in_place_of_lines(bare_run):
    table, metrics = bare_run
    perfect = table.assign(score=table["mated"].astype(np.float32))
    for draw in (draw_det, draw_roc):
        assert texts(draw(trace_curves(perfect, metrics), metrics)).startswith("No errors: ")
        assert draw(trace_curves(table, metrics), metrics).texts == []


def test_figures_without_errors_are_named_together():
    keys = [
        Key("closed_set", figure, rule)
        for figure in ("irises", "all")
        for rule in ("sum", "likelihood_ratio")
    ]
    assert name_flawless([*keys, Key("open_set", "iris_left", "iris_code")]) == [
        "Closed set: irises, all by sum, likelihood ratio",
        "Open set: iris left by iris code",
    ]


def test_line_leaves_the_plot_at_the_limit_of_its_axis_and_does_not_fall_there(full_run):
    table, metrics = full_run
    curves = trace_curves(table, metrics)
    key = Key("closed_set", "iris_left", "iris_code")
    fmr, fnmr = np.array([1.0, 0.8, 0.2, 0.0, 0.0]), np.array([0.0, 0.3, 0.3, 0.3, 1.0])
    curves = {key: replace(curves[key], fmr=fmr, fnmr=fnmr)}
    (line,) = (one for one in draw_det(curves, metrics).axes[0].lines if one.get_linewidth() > 1)
    x, y = (norm.cdf(values) for values in line.get_data())
    assert y[(x > 0.001) & (x < 0.79)] == pytest.approx(0.3)
    assert (x > 0.6).any()


def test_no_line_runs_along_an_axis(full_run):
    table, metrics = full_run
    for figure in (draw_det(trace_curves(table, metrics), metrics), draw_open_set(metrics)):
        for axes in figure.axes:
            for line in axes.lines:
                x, y = line.get_data()
                assert (x <= axes.get_xlim()[0]).sum() <= 1
                assert (y <= axes.get_ylim()[0]).sum() <= 1


def test_cmc_has_no_column_for_a_protocol_without_ranks(metrics):
    titles = [axes.get_title(loc="left") for axes in draw_cmc(metrics).axes]
    assert not any("subject-disjoint" in title for title in titles)


def test_open_set_is_the_curve_of_the_results(metrics):
    axes = draw_open_set(metrics).axes[0]
    line = next(line for line in axes.lines if len(line.get_xdata()) > 10)
    curves = [np.array(one.open_set.curve) for one in metrics.outcomes if one.open_set is not None]
    inner = norm.cdf(np.stack(line.get_data(), axis=1))[1:-1]
    assert any(np.isclose(curve[:, None], inner).all(axis=2).any(axis=0).all() for curve in curves)


def test_few_lines_share_a_panel(run_of):
    metrics = run_of(("iris_left", "iris_right"), rules=("sum",))[1]
    (panel,) = arrange(metrics.outcomes, [], [one.comparator for one in metrics.outcomes])
    assert len(panel.lines) == 5


@pytest.mark.parametrize("modalities", [3, 4])
def test_no_panel_has_more_lines_than_can_be_told_apart(run_of, modalities):
    names = tuple("abcd"[:modalities])
    metrics = run_of(names, kinds=("closed_set",), comparators=tuple("uvwxyz"), subjects=3, probes=1)[1]
    panels = arrange(
        metrics.outcomes,
        [(one.figure, one.comparator) for one in metrics.headline("closed_set")],
        list(dict.fromkeys(one.comparator for one in metrics.outcomes)),
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
        {
            name: (line.get_color(), str(line.get_linestyle()))
            for name, line in zip(names_in(axes), axes.get_legend().get_lines(), strict=True)
        }
        for axes in figure.axes[:3]
    ]
    for name in {name for own in styles for name in own}:
        assert len({own[name] for own in styles if name in own}) == 1
    assert len(set(styles[0]) & set(styles[1]) & set(styles[2])) > 2
    assert Key("open_set", "all", "quality") in curves


def test_lines_differ_in_colour_and_in_dashes():
    styles = [line_of(order, order) for order in range(len(COLOURS))]
    assert (
        len({style["color"] for style in styles}) == len({str(style["linestyle"]) for style in styles}) == 8
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
    assert plain("Jürgen Łoś\n") == "Jürgen Łoś\\n"


def test_scores_that_are_all_the_same_can_be_drawn(bare_run):
    table, metrics = bare_run
    for figure in draw_all(table.assign(score=np.float32(1.0)), metrics).values():
        assert rendered(figure).std() > 2


def test_perfect_separation_can_be_drawn(bare_run):
    table, metrics = bare_run
    for figure in draw_all(table.assign(score=table["mated"].astype(np.float32)), metrics).values():
        assert rendered(figure).std() > 2


def test_titles_of_histograms_stay_within_their_panels(run_of):
    table, metrics = run_of(("iris_left", "iris_right", "fingerprint"), rules=("sum",))
    short, long = "iris_right+fingerprint", "iris_right+fingerprint_synthetic_impressions"
    metrics = Metrics.model_validate_json(metrics.model_dump_json().replace(f'"{short}"', f'"{long}"'))
    figure = draw_histograms(table.assign(figure=table["figure"].replace(short, long)), metrics)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert "iris right + fingerprint (synthetic impressions):\nsubject-disjoint" in titles
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=60)
    for axes in figure.axes:
        left = axes.get_position().x0 * figure.bbox.width
        room = (axes.get_position().width * figure.get_figwidth() + ACROSS) * figure.dpi
        for title in [axes._left_title] if axes.axison else []:
            assert title.get_window_extent().x1 < left + room
            assert title.get_window_extent().x1 < figure.bbox.width


def test_discards_are_drawn_up_to_the_largest_share_that_is_summed(metrics):
    axes = draw_discards(metrics).axes[0]
    assert axes.get_xlim() == (0.0, 0.2)
    assert axes.get_title(loc="left").split(":\n")[1] == "closed set"


def test_panel_of_discards_without_an_error_says_so(metrics):
    discards = [one.model_dump(mode="json") | {"fnmr": [0.0] * 5} for one in metrics.discards]
    assert texts(draw_discards(with_changes(metrics, discards=discards))) == "no error"
    assert texts(draw_discards(metrics)) == ""


def test_subjects_of_the_confusion_matrix_are_in_natural_order(full_run):
    (found,) = [one.model_dump(mode="json") for one in full_run[1].classification.values()]
    found["confusions"] = [(name, name, 1) for name in ("1", "10", "11", "2", "s10", "s9")]
    axes = draw_confusion(with_changes(full_run[1], classification={"all": found})).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["1", "2", "10", "11", "s9", "s10"]


def test_no_line_lies_on_the_upper_edge(full_run):
    curves = trace_curves(*full_run)
    key = Key("closed_set", "iris_left", "iris_code")
    fmr, fnmr = np.array([1.0, 0.5, 0.0, 0.0]), np.array([0.0, 0.2, 0.2, 1.0])
    axes = draw_det({key: replace(curves[key], fmr=fmr, fnmr=fnmr)}, full_run[1]).axes[0]
    assert norm.cdf(axes.get_ylim()[1]) == pytest.approx(0.4)
