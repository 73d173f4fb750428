"""Pages from templates: what is escaped, what is inside, what two pages share."""

import base64

import pytest
from jinja2 import UndefinedError
from matplotlib.figure import Figure

from selfsame.reporting.rendering import draw_inline, open_html, open_markdown


def draw():
    figure = Figure()
    figure.subplots().plot([0, 1], [1, 0])
    return figure


def test_html_is_escaped():
    assert open_html().from_string("{{ name }}").render(name="<b>|") == "&lt;b&gt;|"


def test_markdown_cannot_become_a_table_or_html():
    shown = open_markdown().from_string("{{ name }} {{ number }}\n").render(name="<b>|\n", number=3)
    assert shown == "&lt;b>\\|  3\n"


@pytest.mark.parametrize("opened", [open_html, open_markdown])
def test_numbers_are_written_alike_and_what_is_missing_is_refused(opened):
    assert opened().from_string("{{ 0.5 | percent }}").render() == "50.00 %"
    with pytest.raises(UndefinedError, match="rate"):
        opened().from_string("{{ rate }}").render()


def test_filters_of_one_page_are_not_those_of_another():
    open_html().filters["bounds"] = str
    assert "bounds" not in open_html().filters


def test_the_same_plot_has_the_same_bytes():
    one, other = (draw_inline("det", draw()) for _ in range(2))
    assert one == other
    prefix, _, content = one.partition(",")
    assert prefix == "data:image/svg+xml;base64"
    assert b"<svg" in base64.b64decode(content)
