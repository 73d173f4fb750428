import re
from html.parser import HTMLParser

import pytest

from selfsame.reporting.plots import draw_cmc, draw_confusion
from selfsame.reporting.report import figure_order, render_report
from selfsame.reporting.results import LeftOut


class Elements(HTMLParser):
    """Collect what a page refers to and what it shows."""

    def __init__(self):
        super().__init__()
        self.references, self.text, self.open = [], [], []

    def handle_starttag(self, tag, attributes):
        self.references += [
            value for name, value in attributes if name in ("src", "href", "srcset", "action")
        ]
        if tag not in ("meta", "img", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def page(metrics):
    results = metrics[1]
    plots = {"CMC": draw_cmc(results), "Confusion": draw_confusion(results)}
    html = render_report(
        results, plots, settings={"seed": 7, "note": "<script>"}, origin={"data_digest": "abc123"}
    )
    elements = Elements()
    elements.feed(html)
    return html, elements


def test_report_needs_nothing_from_outside(page):
    html, elements = page
    assert len(elements.references) == 2
    assert all(reference.startswith("data:image/png;base64,") for reference in elements.references)
    assert not re.search(r"https?://|<script|@import|url\(", html)


def test_report_is_well_formed(page):
    assert page[1].open == []


def test_report_shows_rates_with_intervals_and_counts(page, metrics):
    text = " ".join(" ".join(page[1].text).split())
    irises = metrics[1].verification["irises"]
    assert f"{irises.eer * 100:.2f} %" in text
    assert f"{irises.eer_interval[0] * 100:.2f} to {irises.eer_interval[1] * 100:.2f} %" in text
    assert "12 mated" in text
    assert "60 non-mated" in text


def test_report_repeats_settings_as_text(page):
    assert "&lt;script&gt;" in page[0]
    assert "abc123" in page[0]


def test_figures_left_out_are_listed_with_the_reason(metrics):
    counts = {"mated_attempted": 8, "mated_failed": 8, "probes_attempted": 4, "probes_failed": 4}
    left_out = {"palm": LeftOut(reason="no scores at all", **counts)}
    html = render_report(metrics[1].model_copy(update={"left_out": left_out}), {}, settings={}, origin={})
    assert "<strong>palm</strong>: no scores at all" in html
    assert "4 of 4 probes without a score" in html


def test_fused_figures_come_first(metrics):
    assert figure_order(metrics[1]) == ["irises", "iris_left", "iris_right"]


def test_synthetic_impressions_are_explained_where_they_occur(page, metrics):
    assert "Synthetic impressions" not in page[0]
    protocol = metrics[1].protocol.model_copy(update={"synthetic_impressions": ["fingerprint"]})
    html = render_report(metrics[1].model_copy(update={"protocol": protocol}), {}, settings={}, origin={})
    assert "Synthetic impressions" in html


def test_what_differs_by_modality_is_told_by_modality(metrics) -> None:
    origin = {"recipes": {"iris_left": "abc", "fingerprint": "def"}}
    html = render_report(metrics[1], {}, settings={}, origin=origin)
    assert "iris left: abc, fingerprint: def</dd>" in html
