import re

import pytest

from selfsame.learning.estimators.measuring import EstimatorMeans, Mean, Summary
from selfsame.reporting.estimators import draw_components, render_estimators, render_fragment


def mean(value: float, *, splits: int = 4) -> Mean:
    spread = None if splits == 1 else 0.02
    low, high = (None, None) if splits == 1 else (value - 0.05, value + 0.05)
    return {"mean": value, "deviation": spread, "low": low, "high": high, "splits": splits}


def trial(name: str, components: int, accuracy: float, *, splits: int = 4) -> EstimatorMeans:
    return {
        "estimator": name,
        "components": components,
        "explained_share": 0.91 if components else None,
        "train": 20,
        "test": 10,
        "accuracy": mean(accuracy, splits=splits),
        "ece": mean(0.03, splits=splits),
        "brier": mean(0.04, splits=splits),
        "log_loss": mean(0.1, splits=splits),
        "seconds": mean(1.5, splits=splits),
    }


@pytest.fixture
def summary() -> Summary:
    return {
        "estimators": [trial("pca_svm", 150, 0.968), trial("network", 0, 0.99)],
        "components": [trial("pca_svm", 10, 0.8, splits=1), trial("pca_svm", 150, 0.968)],
        "worst": [{"capture_id": "abc123", "subject_id": "s<1>", "misnamed": 3, "asked": 4, "named": "s2"}],
    }


def render(summary: Summary) -> str:
    return render_estimators(summary, draw_components(summary), settings={"seed": 7})


def test_page_tells_accuracy_interval_and_settings(summary: Summary):
    page = render(summary)
    assert "96.80 %" in page or "96.8 %" in page
    assert "over 4 random splits" in page
    assert "&#34;seed&#34;: 7" in page
    assert "abc123" in page


def test_interval_stays_within_0_and_1(summary: Summary):
    assert re.search(r"94(\.0+)? % to 100(\.0+)? %", render(summary))


def test_names_are_escaped(summary: Summary):
    assert "s&lt;1&gt;" in render(summary)
    assert "s<1>" not in render(summary)


def test_page_links_to_nothing_outside_and_shows_no_capture(summary: Summary):
    page = render(summary)
    assert not re.search(r"(?:src|href)=[\"'](?!data:image/svg|#)", page)
    assert page.count("<img") == 1


def test_same_summary_makes_the_same_bytes(summary: Summary):
    assert render(summary) == render(summary)


def test_one_split_has_no_interval(summary: Summary):
    summary["estimators"] = [trial("pca_svm", 150, 0.9, splits=1)]
    assert "one split: no interval" in render(summary)


def test_page_without_a_sweep_has_no_table_of_components(summary: Summary):
    summary["components"], summary["worst"] = [], []
    fragment = render_fragment(summary, draw_components(summary))
    assert "Number of components" not in fragment
    assert "None was misnamed." in fragment


def test_plot_has_a_line_an_estimator(summary: Summary):
    summary["components"] = [trial(name, k, 0.9) for name in ("pca_bayes", "pca_svm") for k in (10, 20, 40)]
    axes = draw_components(summary).axes
    assert [[len(line.get_xdata()) for line in one.lines] for one in axes] == [[3, 3], [3, 3]]


def test_page_without_contents_at_its_side_is_as_wide_as_the_window(summary: Summary):
    page = render(summary)
    assert "<nav" not in page
    grids = re.findall(r"([^{}]*)\{ display: grid; grid-template-columns: [0-9.]+rem minmax", page)
    assert [selector.strip() for selector in grids] == ["body:has(> nav)"]
