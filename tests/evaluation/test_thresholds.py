"""Operating points: the fitted fusion, its thresholds, and what becomes of them in a file."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from selfsame.errors import DamagedError, InputError
from selfsame.evaluation.operating_points import OperatingPoints, read_operating_points
from selfsame.evaluation.thresholds import choose_operating_points
from selfsame.matching.experiment import Experiment
from selfsame.matching.figures import Figure
from selfsame.matching.score_fusion.settings import Fusing, FusionSettings

EYES = ("iris_left", "iris_right")
RULES = ("sum", "likelihood_ratio", "logistic")


def compare(figure, *, subjects=8, synthetic=(), seed=0, made=EYES):
    """Every probe of a subject with two references of everyone; scores 4 apart, by modality."""
    rows = [
        (0, f"s{i}/{k}", f"s{i}", f"s{j}/{r}", f"s{j}", i == j)
        for i in range(subjects) for k in (1, 2) for j in range(subjects) for r in (1, 2)
    ]  # fmt: skip
    columns = ["fold", "probe", "probe_subject", "reference", "reference_subject", "mated"]
    trials = pd.DataFrame(rows, columns=columns)
    mated = trials["mated"].to_numpy()
    rng = np.random.default_rng(seed)
    drawn = {m: (rng.normal(size=len(rows)) + 4 * mated).astype(np.float32) for m in EYES}
    return Experiment(
        "closed_set", figure, trials, {(m, "code"): drawn[m] for m in figure.modalities if m in made},
        {}, np.full((len(rows), len(figure.modalities)), np.nan),
        {m: m in synthetic for m in figure.modalities},
    )  # fmt: skip


def gather(**how):
    figures = [Figure(m, (m,)) for m in EYES] + [Figure("irises", EYES)]
    experiments = [compare(figure, **how) for figure in figures]
    return SimpleNamespace(
        indexes=dict.fromkeys(EYES),
        experiments=lambda protocol: iter(experiments),
        version_of=lambda modality, comparator, protocol: f"{modality} v1",
    )


def choose(evidence, resampling, *, rule="logistic", fmr=0.05, chosen=None):
    settings = FusionSettings(
        normalisation="z", weights="d_prime", calibration="logistic", prior=0.5, spread=1.0
    )
    fusing = Fusing(chosen or dict.fromkeys(EYES, "code"), (rule,), 3, 0, settings)
    return choose_operating_points(evidence, "closed_set", fusing, rule, fmr, resampling)


def accept(evidence, points, figure):
    """What a search with a point's threshold accepts: of each probe and subject the best record."""
    experiment = next(one for one in evidence.experiments("") if one.figure.name == figure)
    recogniser = points.to_recogniser()
    scores = np.full((len(experiment.trials), len(points.modalities)), np.nan)
    for m in experiment.figure.modalities:
        scores[:, points.modalities.index(m)] = experiment.scores[m, "code"]
    table = experiment.trials.assign(score=recogniser.fuse(scores))
    best = table.groupby(["probe", "reference_subject", "mated"])["score"].max().reset_index()
    return best.assign(
        accepted=best["score"] >= recogniser.thresholds["+".join(experiment.figure.modalities)]
    )


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("figure", [*EYES, "irises"])
def test_search_at_the_threshold_makes_the_stated_errors(resampling, rule, figure):
    evidence = gather()
    points = choose(evidence, resampling, rule=rule)
    point = points.points["+".join(EYES) if figure == "irises" else figure]
    found = accept(evidence, points, figure)
    strangers, own = found[~found["mated"]], found[found["mated"]]
    assert strangers["accepted"].mean() == pytest.approx(point.fmr)
    assert (~own["accepted"]).mean() == pytest.approx(point.fnmr)
    assert point.fmr <= 0.05 == point.stated_fmr
    assert (point.mated, point.non_mated) == (len(own), len(strangers)) == (16, 112)


def test_every_set_of_modalities_has_a_point_and_two_eyes_err_less(resampling):
    points = choose(gather(), resampling).points
    assert list(points) == ["iris_left", "iris_right", "iris_left+iris_right"]
    assert points["iris_left+iris_right"].fnmr <= min(points[m].fnmr for m in EYES)


def test_threshold_keeps_its_distance_from_the_scores_on_both_sides(resampling):
    evidence = gather()
    points = choose(evidence, resampling)
    for figure in EYES:
        scores = accept(evidence, points, figure)["score"].to_numpy()
        threshold = points.points[figure].threshold
        assert np.abs(scores - threshold).min() > 1e-6  # rounding does not decide


def test_comparisons_that_lack_a_modality_take_no_part_in_the_point_of_both(resampling):
    evidence = gather()
    both = list(evidence.experiments(""))[-1]
    lost = both.trials["probe"].eq("s0/1").to_numpy()
    both.scores["iris_right", "code"][lost] = np.nan
    points = choose(evidence, resampling).points
    assert points["iris_left+iris_right"].mated == 15
    assert points["iris_left"].mated == 16


def test_modality_without_scores_is_left_out_of_the_fusion(resampling):
    points = choose(gather(made=("iris_left",)), resampling)
    assert points.modalities == ["iris_left"]
    assert list(points.points) == ["iris_left"]
    assert points.versions == {"iris_left": "iris_left v1"}


def test_nothing_to_choose_from_is_refused(resampling):
    with pytest.raises(
        InputError, match="mated and non-mated scores of at least one modality under closed_set"
    ):
        choose(gather(made=()), resampling)


def test_chosen_comparator_that_made_no_scores_is_refused_with_those_that_did(resampling):
    chosen = {"iris_left": "code", "iris_right": "cosine"}
    with pytest.raises(InputError, match="iris_right by cosine under closed_set, got those by code: choose"):
        choose(gather(), resampling, chosen=chosen)


def test_modality_without_a_chosen_comparator_is_refused(resampling):
    with pytest.raises(InputError, match="a comparator of iris_right to be chosen"):
        choose(gather(), resampling, chosen={"iris_left": "code"})


def test_points_made_with_synthetic_impressions_say_so(resampling):
    points = choose(gather(synthetic=("iris_right",)), resampling).points
    assert points["iris_left"].synthetic_impressions == []
    assert points["iris_left+iris_right"].synthetic_impressions == ["iris_right"]


def test_rate_that_the_subjects_cannot_show_is_warned_of_once(resampling, caplog):
    choose(gather(), resampling, fmr=0.01)
    assert len(caplog.messages) == 1
    assert (
        "to show an FMR of 0.01: it is not supported for 3 of 3 thresholds; set evaluation.operating_fmr"
        in caplog.text
    )
    assert "to 0.1 or more, or bring more people" in caplog.text


# In a file


@pytest.mark.parametrize("rule", RULES)
def test_points_that_went_through_json_answer_the_same(resampling, rule):
    points = choose(gather(), resampling, rule=rule)
    back = read_operating_points(json.loads(json.dumps(points.model_dump(mode="json"), allow_nan=False)))
    assert back == points
    scores = np.random.default_rng(1).normal(2, 2, (50, 2))
    scores[:10, 0], scores[10:20, 1], scores[20] = np.nan, np.nan, np.nan
    np.testing.assert_array_equal(back.to_recogniser().fuse(scores), points.to_recogniser().fuse(scores))
    assert back.to_recogniser().thresholds == points.to_recogniser().thresholds
    assert back.to_recogniser().versions == {"iris_left": "iris_left v1", "iris_right": "iris_right v1"}


@pytest.fixture
def document(resampling):
    return choose(gather(), resampling).model_dump(mode="json")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("points", "iris_left", "threshold"), "high"),
        (("points", "iris_left", "threshold"), None),
        (("points", "iris_left", "fnmr"), 2.0),
        (("protocol",), "open_book"),
        (("thresholds",), {}),
    ],
)
def test_points_that_the_evaluation_never_wrote_are_refused_in_one_line(document, path, value):
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(DamagedError, match=rf"got {'.'.join(path)}: [^\n]* run evaluation again$"):
        read_operating_points(document)


def test_points_whose_fusion_is_damaged_are_refused_when_they_are_used(document):
    document["fitted"]["rule"] = "astrology"
    points = read_operating_points(document)
    assert isinstance(points, OperatingPoints)
    with pytest.raises(DamagedError, match="got astrology"):
        points.to_recogniser()


def test_points_of_modalities_without_a_comparator_are_refused(document):
    del document["chosen"]["iris_right"]
    with pytest.raises(DamagedError, match="expected chosen of iris_left, iris_right, got iris_left"):
        read_operating_points(document)
