import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfsame.cli import cli
from selfsame.errors import DamagedError
from selfsame.evaluation.results import Metrics
from selfsame.reporting.model_card import read_metrics, render_model_card
from selfsame.reporting.wording import interval, percent

HEADINGS = [
    "Model details",
    "Intended use",
    "Factors",
    "Metrics",
    "Evaluation data",
    "Training data",
    "Quantitative analyses",
    "Ethical considerations",
    "Caveats and recommendations",
]


def flat(card):
    return " ".join(card.split())


@pytest.fixture(scope="module")
def card(full_run):
    return render_model_card(full_run[1])


@pytest.fixture
def stored(tmp_path, bare_run):
    path = tmp_path / "metrics.json"
    path.write_text(bare_run[1].model_dump_json())
    return path


def run(metrics, output):
    return CliRunner().invoke(cli, ["model-card", "--metrics", str(metrics), "--output", str(output)])


def test_card_has_the_sections_of_its_source(card):
    assert re.findall(r"^## (.*)$", card, re.MULTILINE) == HEADINGS


def test_every_rate_of_the_headline_is_there_with_its_interval(card, metrics):
    for kind in metrics.protocols:
        for one in metrics.headline(kind):
            rates = [(one.verification.eer, one.verification.eer_interval)]
            rates += [(point.fnmr, point.interval) for point in one.verification.fnmr_at_fmr.values()]
            for rate, bounds in rates:
                assert f"{percent(rate)} ({interval(bounds)})" in card


def test_tables_are_whole(card):
    """Every row of a table has as many cells as its head."""
    for block in card.split("\n\n"):
        cells = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines() if line.startswith("|")}
        assert len(cells) <= 1


def test_card_says_what_is_chosen_and_what_was_measured_too(card):
    assert "**iris left**: compared by iris code (measured too: cosine)" in card
    assert "several modalities by quality" in card


def test_synthetic_impressions_are_named(card, bare_run):
    assert "fingerprint (synthetic impressions) |" in card
    assert "| all (with synthetic impressions) |" in card
    assert "| irises |" in card
    assert "synthetic" not in render_model_card(bare_run[1]).lower()


def test_groups_refusals_and_bad_fusions_are_told(card):
    assert "| sex | female | 6 | 3.70 % (1.70 to 5.70 %)" in card
    assert "- device: expected two groups, got one (1 time)." in card
    assert (
        "1 is worse than the best member beyond the interval: all by sum (closed set, by +3.60 points)"
        in card
    )
    assert "Without error rates: palm by cosine, closed set: no scores at all." in card


def test_card_of_a_run_without_training_says_so(bare_run):
    card = flat(render_model_card(bare_run[1]))
    assert "none. No network was trained" in card
    assert "where it fuses itself" not in card
    assert "names the wrong one" not in card


def test_only_rates_that_the_subjects_cannot_show_are_marked(run_of, card):
    metrics = run_of(("iris_left",), kinds=("subject_disjoint",), subjects=80, probes=1, synthetic=())[1]
    assert "too few to show so low" in card
    assert "too few to show so low" not in render_model_card(metrics)


def test_names_from_the_data_break_no_table(full_run):
    document = full_run[1].model_dump(mode="json")
    groups = document["differentials"][0]["groups"]
    document["differentials"][0]["groups"] = {"a|b\n<script>": groups["male"]}
    card = render_model_card(Metrics.model_validate(document))
    assert "<script" not in card
    assert "| a\\|b &lt;script>" in card


def test_no_name_of_a_person_is_in_the_card(card):
    assert not re.search(r"\bs\d+\b", card)


def test_command_writes_the_card_and_says_where(stored, tmp_path, bare_run):
    output = tmp_path / "new" / "card.md"
    done = run(stored, output)
    assert (done.exit_code, done.output) == (0, f"wrote {output} from {stored}\n")
    assert output.read_text() == render_model_card(bare_run[1])


def test_without_a_place_the_card_lies_beside_the_metrics(stored, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    done = CliRunner().invoke(cli, ["model-card", "--metrics", str(stored)])
    card = stored.with_name("model_card.md")
    assert (done.exit_code, done.output) == (0, f"wrote {card} from {stored}\n")
    assert card.is_file()
    assert not list(Path.cwd().iterdir())


def test_command_leaves_only_the_card(stored, tmp_path):
    for _ in "ab":
        assert run(stored, tmp_path / "card.md").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["card.md", "metrics.json"]


def test_missing_metrics_cost_one_line(tmp_path):
    done = run(tmp_path / "none.json", tmp_path / "card.md")
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1
    assert "found no file there: kedro run --pipelines evaluation" in done.output
    assert not (tmp_path / "card.md").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"{", "expected metrics in JSON"),
        (b"\xff\xfe\x00", "expected metrics in JSON"),
        (b"[]", "got the document: Input should be"),
        (b'{"schema_version": 1}', "got schema_version: Input should be 2"),
    ],
)
def test_damaged_metrics_cost_one_line_and_no_card(tmp_path, text, said):
    stored, output = tmp_path / "metrics.json", tmp_path / "card.md"
    stored.write_bytes(text)
    output.write_text("before")
    done = run(stored, output)
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1
    assert said in done.output
    assert str(stored) in done.output
    assert output.read_text() == "before"


def test_output_that_is_a_folder_costs_one_line(stored, tmp_path):
    done = run(stored, tmp_path)
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1


def test_rate_that_is_none_is_refused_by_its_name(bare_run):
    document = bare_run[1].model_dump(mode="json")
    document["outcomes"][0]["verification"]["eer"] = 1.5
    with pytest.raises(DamagedError, match=r"got outcomes\.0\.verification\.eer: .* less than or equal to 1"):
        read_metrics(json.dumps(document), "metrics.json")


def test_the_only_mistake_is_not_counted(bare_run):
    document = bare_run[1].model_dump(mode="json") | {"schema_version": 1}
    with pytest.raises(DamagedError, match=r"got schema_version: Input should be \d+: run evaluation again"):
        read_metrics(json.dumps(document), "metrics.json")


def test_further_mistakes_are_counted():
    with pytest.raises(DamagedError, match=r"\(and \d+ more\): run evaluation again"):
        read_metrics("{}", "metrics.json")
