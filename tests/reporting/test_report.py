import re
from html.parser import HTMLParser

import pytest
from matplotlib.figure import Figure

from selfsame.evaluation.results import Metrics
from selfsame.reporting.captions import CAPTIONS
from selfsame.reporting.contents import SECTIONS
from selfsame.reporting.histograms import draw_histograms
from selfsame.reporting.report import render_report
from selfsame.reporting.wording import count, interval, percent

ALONE = ("meta", "img", "link", "br")


class Elements(HTMLParser):
    """Collect what a page refers to, what it shows, and its sections; refuse wrong nesting."""

    def __init__(self):
        super().__init__()
        self.references, self.words, self.open, self.ids = [], [], [], []

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.references += [given[name] for name in ("src", "href", "srcset", "action") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        if tag not in ALONE:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def parse(html):
    elements = Elements()
    elements.feed(html)
    elements.close()
    assert elements.open == []
    return elements


def small():
    """A plot that costs nothing to draw."""
    return Figure(figsize=(1, 1))


def render(metrics, plots=(), settings=None, origin=None, calibration="logistic"):
    return render_report(
        metrics,
        {name: small() for name in plots},
        calibration=calibration,
        settings=settings or {},
        origin=origin or {},
    )


def changed(metrics, **parts):
    """The same results with some parts replaced, checked again."""
    return Metrics.model_validate({**metrics.model_dump(mode="json"), **parts})


@pytest.fixture(scope="module")
def html(full_run):
    return render(full_run[1], CAPTIONS, {"seed": 7, "note": "<script>"}, {"data_digest": "abc123"})


@pytest.fixture(scope="module")
def page(html):
    return parse(html)


def test_report_needs_nothing_from_outside(html, page):
    assert len([link for link in page.references if link.startswith("data:image/svg+xml;base64,")]) == len(
        CAPTIONS
    )
    assert all(link.startswith(("data:image/svg+xml;base64,", "#")) for link in page.references)
    assert not re.search(r"https?:|<script|@import|url\(|<link", html)


def test_table_of_contents_leads_to_every_section(page):
    links = [link.removeprefix("#") for link in page.references if link.startswith("#")]
    assert links[: len(SECTIONS)] == page.ids == [section.name for section in SECTIONS]
    assert set(links) == set(page.ids)


def test_every_rate_of_every_outcome_is_shown_with_its_interval(page, metrics):
    for outcome in metrics.outcomes:
        verification, identification = outcome.verification, outcome.identification
        shown = [(verification.eer, verification.eer_interval)]
        shown += [(point.fnmr, point.interval) for point in verification.fnmr_at_fmr.values()]
        if identification is not None:
            shown += [(identification.rank_1, identification.rank_1_interval)]
            shown += [(identification.rank_5, identification.rank_5_interval)]
        if outcome.open_set is not None:
            shown += [(point.fnir, point.interval) for point in outcome.open_set.fnir_at_fpir.values()]
        for rate, bounds in shown:
            assert re.search(rf"{re.escape(percent(rate))}[ *†]* {re.escape(interval(bounds))}", page.text)
        assert f"{outcome.calibration.cllr:.4f}" in page.text


def test_setting_names_what_was_compared_how(page):
    assert (
        "iris left, iris right, fingerprint by iris code; several modalities are fused by quality"
        in page.text
    )
    assert "iris left, iris right, fingerprint: cosine, iris code" in page.text
    assert "95 %, from 1,000 resamples of the subjects (seed 7)" in page.text


def test_smallest_fmr_stands_above_the_pairs_of_subjects_that_show_it(page, metrics):
    for kind in metrics.protocols:
        shown = [one.verification for one in metrics.outcomes if one.protocol == kind]
        pairs = max(one.non_mated_subject_pairs for one in shown)
        assert f"{percent(min(one.smallest_fmr for one in shown))} {count(pairs)} pairs" in page.text


def test_headline_shows_counts(page):
    assert "24 mated, 264 non-mated 12 subjects, 24 probes, 12 enrolled" in page.text
    assert "24 searches by enrolled, 24 by 3 not enrolled" in page.text


def test_headline_is_what_inference_would_do(page, metrics):
    headline = page.text.split("All words: What the words mean")[1].split("Failures and figures left out")[0]
    assert "iris left by iris code" in headline
    assert "all by quality" in headline
    assert "cosine" not in headline
    assert headline.count("by quality") == 4 * len(metrics.protocols)


def test_rate_at_an_fmr_that_the_subjects_cannot_show_is_marked_and_explained(page, metrics):
    unsupported = metrics.outcomes[0].verification.fnmr_at_fmr["0.001"]
    assert not unsupported.fmr_supported
    assert f"{percent(unsupported.fnmr)} * {interval(unsupported.interval)}" in page.text
    assert "fewer than 3 / FMR" in page.text


def test_rate_that_the_subjects_support_has_no_mark(run_of):
    metrics = run_of(("iris_left",), kinds=("subject_disjoint",), subjects=80, probes=1, synthetic=())[1]
    supported = metrics.outcomes[0].verification.fnmr_at_fmr["0.001"]
    assert supported.fmr_supported
    assert "fewer than 3 / FMR" not in render(metrics)


def test_synthetic_impressions_are_named_where_they_occur(page):
    assert "Of fingerprint the data hold one capture of each instance" in page.text
    assert "fingerprint (synthetic impressions) by iris code" in page.text
    assert "all by quality with synthetic fingerprint" in page.text
    assert "irises by quality with synthetic" not in page.text


def test_synthetic_impressions_are_not_mentioned_where_there_are_none(bare_run):
    assert "synthetic" not in parse(render(bare_run[1])).text.lower()


def test_fusion_worse_than_its_best_member_is_marked(page):
    assert "1 of 2 are worse than their best member beyond the interval" in page.text
    assert "+3.60 +1.30 to +6.00 worse" in page.text
    assert "\N{MINUS SIGN}1.04 \N{MINUS SIGN}2.00 to +0.10 no worse" in page.text


def test_fusions_that_are_all_no_worse_are_said_to_be(metrics):
    kept = [one for one in metrics.model_dump(mode="json")["subsets"] if not one["worse"]]
    assert "None of 1 is worse" in parse(render(changed(metrics, subsets=kept))).text


def test_differentials_show_groups_spread_and_refusals(page):
    assert "female 3.70 % 1.70 to 5.70 %" in page.text
    assert "male 6.20 % 4.20 to 8.20 %" in page.text
    assert "+2.50 \N{MINUS SIGN}1.00 to +5.00" in page.text
    assert "device : expected two groups, got one (iris left by cosine, closed set)" in page.text


def test_quality_measures_have_their_partial_area(page):
    assert "sharpness 0.00712 5.00 % 2.00 % 20 % discarded" in page.text
    assert "visible share 0.00431 5.00 % 1.00 %" in page.text


def test_worst_comparisons_are_listed_by_name(page):
    assert "mated \N{MINUS SIGN}0.7654 5f2a9c0e s1 77b1d3aa s1" in page.text
    assert "non-mated 2.346 5f2a9c0e s2 77b1d3aa s1" in page.text


def test_failures_and_figures_left_out_have_their_reasons(page):
    assert "palm by cosine, closed set: no scores at all" in page.text
    assert "4 of 4 probes and 8 of 8 mated comparisons without a score" in page.text
    assert "no pupil: 2, occluded: 1" in page.text
    assert "Failure to enrol" in page.text


def test_failures_are_counted_as_errors_too(page, metrics):
    point = metrics.outcomes[1].verification.fnmr_at_fmr["0.01"]
    assert f"{percent(point.fnmr_with_failures)} {interval(point.fnmr_with_failures_interval)}" in page.text
    assert "2 of 26" in page.text


def test_words_are_explained(page):
    for word in ("FMR", "FNMR", "EER", "FPIR", "FNIR", "FTA", "FTE", "Cllr, min Cllr"):
        assert f" {word} " in page.text.split("What the words mean")[-1]


def test_settings_and_origin_are_repeated_as_text(html, page):
    assert "&lt;script&gt;" in html
    assert '"seed": 7' in page.text
    assert "abc123" in page.text


def test_what_differs_by_modality_is_told_by_modality(metrics):
    html = render(metrics, origin={"recipes": {"iris_left": "abc", "fingerprint": "def"}})
    assert "iris left: abc, fingerprint: def" in parse(html).text


def test_run_with_little_to_say_has_few_sections(bare_run):
    page = parse(render(bare_run[1], ("det", "roc", "cmc", "open_set", "score_histograms", "confusion")))
    assert page.ids == [
        "evaluated", "headline", "failures", "comparators", "error_curves", "scores", "repeat", "glossary",
    ]  # fmt: skip
    assert "none: nothing was trained" in page.text
    assert "Rank-1 " not in page.text.split("What the words mean")[0].replace("Rank-1 Mated", "")
    assert "open_set" not in page.text


def test_plots_with_nothing_to_show_are_left_out(bare_run):
    page = parse(render(bare_run[1], CAPTIONS))
    shown = [link for link in page.references if link.startswith("data:")]
    assert len(shown) == 5  # headline, det, roc, scores, history


def test_protocol_whose_chosen_comparator_failed_has_no_headline(bare_run):
    metrics = bare_run[1].model_dump(mode="json")
    metrics["outcomes"][0]["comparator"] = "cosine"
    page = parse(render(Metrics.model_validate(metrics)))
    assert "headline" not in page.ids
    assert "cosine" in page.text


def test_hostile_names_stay_text(full_run):
    evil = "<script>alert(1)</script>"
    metrics = full_run[1].model_dump(mode="json")
    metrics["worst"][0].update(probe_subject=evil, probe=evil)
    metrics["outcomes"][0].update(figure=evil, comparator=evil)
    metrics["left_out"][0].update(reason=evil)
    metrics["differentials"][0]["groups"] = {evil: metrics["differentials"][0]["groups"]["male"]}
    metrics["failure_to_acquire"] = {evil: metrics["failure_to_acquire"]["iris_left"]}
    metrics["setting"]["modalities"] = [evil]
    html = render(Metrics.model_validate(metrics), settings={"path": evil}, origin={evil: evil})
    assert "<script" not in html
    assert parse(html).text.count("<script>alert(1)</script>") > 8


def test_same_run_gives_the_same_page(bare_run):
    pages = {
        render_report(
            bare_run[1],
            {"score_histograms": draw_histograms(*bare_run)},
            calibration="pav",
            settings={},
            origin={},
        )
        for _ in "ab"
    }
    assert len(pages) == 1


def test_many_figures_and_comparators_make_one_page(run_of):
    metrics = run_of(
        tuple("abcd"), comparators=tuple("uvwxyz"), rules=tuple("klmnop"), subjects=4, probes=1, synthetic=()
    )[1]
    page = parse(render(metrics))
    assert page.text.count("a + b + c") >= 3
    assert len(metrics.outcomes) == 15 * 6 * 3


def test_glossary_tells_how_an_interval_comes_about(page):
    assert "exact binomial one (Clopper and Pearson)" in page.text
    assert "middle 95 %" not in page.text


def test_glossary_calls_no_two_fingers_of_one_person_non_mated(page):
    assert "two different fingers of a person never are" in page.text


def test_calibration_is_told_as_it_was_set(full_run):
    pooled = parse(render(full_run[1], calibration="pav")).text
    assert "by pooling adjacent violators" in pooled
    assert "by logistic calibration" not in pooled
    assert "by logistic calibration" in parse(render(full_run[1])).text
