"""Tables of scores, as the comparison of captures makes them, and whole results that are made up of such."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from selfsame.evaluation.measurement import Resampling
from selfsame.evaluation.results import Metrics
from selfsame.metrics.comparisons import Comparisons
from selfsame.metrics.verification import error_curve, lowest_threshold, match_rates

KINDS = ("closed_set", "subject_disjoint", "open_set")
RULES = ("network", "sum", "likelihood_ratio", "logistic", "quality")
FMRS = (0.01, 0.001)


def make_attempts(
    figure="iris_left", modalities=None, *, subjects=("s0", "s1", "s2", "s3", "s4", "s5"), failed=()
):
    """Two probes of every subject, each compared with one reference, and probes that failed."""
    lost = np.array([failed.count(subject) for subject in subjects])
    counts = {
        "mated_attempted": 2 + lost,
        "mated_failed": lost,
        "probes_attempted": 2 + lost,
        "probes_failed": lost,
    }
    return pd.DataFrame(
        {"figure": figure, "modalities": modalities or figure, "subject_id": list(subjects), **counts}
    )


def make_scores(figure="iris_left", *, subjects=6, probes=2, separation=3.0, seed=0):
    """Every probe against one reference of every subject, mated scores higher by `separation` on average."""
    rng = np.random.default_rng(seed)
    rows = [
        (figure, f"s{probe}", f"s{reference}", f"s{probe}/{k}", f"s{reference}/1", probe == reference)
        for probe in range(subjects)
        for k in range(probes)
        for reference in range(subjects)
    ]
    table = pd.DataFrame(
        rows, columns=["figure", "probe_subject", "reference_subject", "probe", "reference", "mated"]
    )
    score = rng.normal(size=len(table)) + separation * table["mated"].to_numpy()
    return table.assign(score=score.astype(np.float32))


@pytest.fixture
def scores():
    return make_scores


@pytest.fixture
def resampling():
    return Resampling(resamples=100, seed=1)


@pytest.fixture
def attempts():
    return make_attempts


def around(rate, width=0.02):
    """An interval that holds the rate."""
    return (max(0.0, rate - width), min(1.0, rate + width))


def make_figures(modalities, comparators, rules):
    """Every subset of the modalities: its name, its modalities, the comparators or rules that score it."""
    for size in range(1, len(modalities) + 1):
        for subset in combinations(modalities, size):
            name = "all" if size == len(modalities) > 1 else "+".join(subset)
            name = "irises" if size > 1 and all(part.startswith("iris") for part in subset) else name
            yield name, list(subset), comparators if size == 1 else rules


def make_table(protocol, figure, comparator, *, subjects, probes, seed):
    """The rows of one outcome in the table of scores; better where a figure has more modalities."""
    separation = 2.6 + 0.9 * len(figure.split("+")) + (figure == "irises") + (2.0 if figure == "all" else 0.0)
    table = make_scores(figure, subjects=subjects, probes=probes, separation=separation, seed=seed)
    table.insert(0, "protocol", protocol)
    table.insert(1, "fold", np.int32(0))
    table.insert(3, "comparator", comparator)
    return table


def state_verification(table):
    """The rates of a table, with intervals that are made up."""
    pairs = table[["probe_subject", "reference_subject"]].to_numpy(dtype=str)
    comparisons = Comparisons(table["score"].to_numpy(dtype=np.float64), pairs[:, 0], pairs[:, 1])
    eer = float(error_curve(comparisons).equal_error_rate())
    points = {}
    for fmr in FMRS:
        threshold = lowest_threshold(fmr, comparisons.scores[~comparisons.mated])
        observed, fnmr = match_rates(comparisons, threshold)
        points[str(fmr)] = {
            "fnmr": fnmr,
            "interval": around(fnmr),
            "threshold": threshold,
            "fmr": observed,
            "fmr_supported": comparisons.supports_fmr(fmr),
            "fnmr_with_failures": min(1.0, fnmr + 0.011),
            "fnmr_with_failures_interval": around(min(1.0, fnmr + 0.011)),
        }
    mated = int(comparisons.mated.sum())
    return {
        "eer": eer,
        "eer_interval": around(eer),
        "auc": 1 - eer / 2,
        "auc_interval": around(1 - eer / 2, 0.01),
        "fnmr_at_fmr": points,
        "smallest_fmr": min(1.0, 3 / comparisons.non_mated_pairs),
        "mated": mated,
        "non_mated": len(table) - mated,
        "subjects": comparisons.mated_subjects,
        "non_mated_subject_pairs": comparisons.non_mated_pairs,
        "mated_attempted": mated + 2,
        "mated_failed": 2,
    }


def state_identification(table):
    """Rank-k rates that fall with the EER, no more."""
    enrolled = table["reference_subject"].nunique()
    probes = table["probe"].nunique()
    cmc = [min(1.0, 0.93 + 0.01 * rank) for rank in range(min(20, enrolled))]
    return {
        "rank_1": cmc[0],
        "rank_1_interval": around(cmc[0]),
        "rank_1_with_failures": cmc[0] - 0.01,
        "rank_1_with_failures_interval": around(cmc[0] - 0.01),
        "rank_5": cmc[min(4, enrolled - 1)],
        "rank_5_interval": around(cmc[min(4, enrolled - 1)]),
        "probes": probes,
        "probes_attempted": probes + 1,
        "probes_failed": 1,
        "enrolled": enrolled,
        "subjects": enrolled,
        "cmc": cmc,
    }


def state_open_set(table):
    """A curve of searches, and two points of it."""
    fpir = np.linspace(1, 0, 50)
    curve = [(float(x), float((1 - x) ** 3)) for x in fpir]
    point = {"interval": (0.01, 0.12), "threshold": 1.5, "fpir_supported": True}
    return {
        "fnir_at_fpir": {
            "0.1": {**point, "fnir": 0.043, "fpir": 0.1},
            "0.01": {**point, "fnir": 0.067, "fpir": 0.0, "fpir_supported": False},
        },
        "curve": curve,
        "mated_searches": table["probe"].nunique(),
        "non_mated_searches": 24,
        "enrolled": table["reference_subject"].nunique(),
        "unenrolled": 3,
    }


def make_run(
    modalities=("iris_left", "iris_right", "fingerprint"),
    *,
    kinds=KINDS,
    comparators=("cosine", "iris_code"),
    rules=RULES,
    subjects=12,
    probes=2,
    synthetic=("fingerprint",),
    trained=True,
):
    """A table of scores and results that agree with it, with something of everything.

    `trained` is false for a run of classical comparators alone, with nothing else to say than error rates.
    """
    tables, outcomes = [], []
    for kind in kinds:
        for figure, parts, names in make_figures(modalities, comparators, rules):
            shown = f"{figure}_synthetic_impressions" if figure in synthetic else figure
            for comparator in names:
                table = make_table(
                    kind, figure, comparator, subjects=subjects, probes=probes, seed=len(outcomes)
                ).assign(figure=shown)
                tables.append(table)
                outcomes.append(
                    {
                        "protocol": kind,
                        "figure": shown,
                        "modalities": parts,
                        "comparator": comparator,
                        "verification": state_verification(table),
                        "identification": None if kind == "subject_disjoint" else state_identification(table),
                        "open_set": state_open_set(table) if kind == "open_set" else None,
                        "calibration": {"cllr": 0.123 + 0.001 * len(outcomes), "min_cllr": 0.098},
                    }
                )
    setting = {
        "modalities": list(modalities),
        "synthetic_impressions": [name for name in modalities if name in synthetic],
        "comparators": {name: list(comparators) for name in modalities},
        "chosen": dict.fromkeys(modalities, comparators[-1]),
        "fusion": rules[-1],
        "model_version": "0123456789abcdef" if trained else None,
        "fusion_weights": dict.fromkeys(modalities, 1 / len(modalities)) if trained else {},
        "confidence": 0.95,
        "resamples": 1000,
        "seed": 7,
    }
    protocol = {
        "folds": 1,
        "subjects": subjects,
        "unenrolled_subjects": 0,
        "reference_captures": 24,
        "probe_captures": 48,
    }
    protocols = {kind: dict(protocol) for kind in kinds}
    if "subject_disjoint" in kinds:
        protocols["subject_disjoint"]["folds"] = 5
    if "open_set" in kinds:
        protocols["open_set"]["unenrolled_subjects"] = 3
    extras = make_extras(kinds[0], outcomes) if trained else {key: [] for key in EXTRAS}
    acquired = {"attempted": 72, "failed": 3, "rate": 3 / 72, "interval": (0.0, 0.08)}
    enrolled = {"attempted": 12, "failed": 0, "rate": 0, "interval": (0, 0.25)}
    return pd.concat(tables, ignore_index=True), Metrics.model_validate(
        {
            "setting": setting,
            "protocols": protocols,
            "outcomes": outcomes,
            **extras,
            "classification": make_classification() if trained else {},
            "failure_to_acquire": {modalities[0]: {**acquired, "reasons": {"no_pupil": 2, "occluded": 1}}},
            "failure_to_enrol": {modalities[0]: enrolled} if trained else {},
        }
    )


EXTRAS = ("left_out", "subsets", "discards", "differentials", "worst")


def make_extras(kind, outcomes):
    """The lists of the results, of the first and the last figure of a protocol."""
    first, last = outcomes[0], [one for one in outcomes if one["protocol"] == kind][-1]
    where = {"protocol": kind, "figure": first["figure"], "comparator": first["comparator"]}
    groups = {
        sex: {
            "subjects": 6, "mated": 12, "non_mated": 60, "fnmr": fnmr, "fnmr_interval": around(fnmr),
            "fmr": 0.0125, "fmr_interval": around(0.0125),
        }
        for sex, fnmr in (("female", 0.037), ("male", 0.062))
    }  # fmt: skip
    counts = {"mated_attempted": 8, "mated_failed": 8, "probes_attempted": 4, "probes_failed": 4}
    fusion = {
        "protocol": kind, "figure": last["figure"], "modalities": last["modalities"],
        "best_member": first["figure"], "best_member_eer": 0.0111,
    }  # fmt: skip
    worse = {"eer": 0.0471, "difference": 0.036, "difference_interval": (0.013, 0.06), "worse": True}
    better = {"eer": 0.0007, "difference": -0.0104, "difference_interval": (-0.02, 0.001), "worse": False}
    refused = {"groups": {}, "threshold": None, "fnmr_spread": None, "fnmr_spread_interval": None}
    spread = {"threshold": 1.25, "fnmr_spread": 0.025, "fnmr_spread_interval": (-0.01, 0.05)}
    sides = {"probe": "5f2a9c0e", "reference": "77b1d3aa", "reference_subject": "s1"}
    shares = [0.0, 0.05, 0.1, 0.15, 0.2]
    return {
        "left_out": [{**where, "figure": "palm", "reason": "no scores at all", **counts}],
        "subsets": [{**fusion, "rule": "sum", **worse}, {**fusion, "rule": "logistic", **better}],
        "discards": [
            {**where, "measure": measure, "threshold": 1.25, "shares": shares, "partial_area": area,
             "fnmr": [0.05, 0.045, 0.04, 0.03, end]}
            for measure, area, end in (("sharpness", 0.00712, 0.02), ("visible_share", 0.00431, 0.01))
        ],
        "differentials": [
            {**where, "column": "sex", "refused": None, "groups": groups, **spread},
            {**where, "column": "device", "refused": "expected two groups, got one", **refused},
        ],
        "worst": [
            {**where, **sides, "mated": True, "probe_subject": "s1", "score": -0.7654},
            {**where, **sides, "mated": False, "probe_subject": "s2", "score": 2.3456},
        ],
    }  # fmt: skip


def make_classification():
    """One figure of a classifier that named one of three presentations wrongly."""
    rates = {
        key: value
        for name in ("accuracy", "precision_macro", "recall_macro", "f1_macro")
        for key, value in ((name, 2 / 3), (f"{name}_interval", (0.3, 1.0)))
    }
    counts = {"presentations": 3, "presentations_failed": 1, "subjects": 3}
    confusions = [("s0", "s0", 1), ("s1", "s1", 1), ("s2", "s1", 1)]
    return {"all": {**rates, **counts, "confusions": confusions}}


@pytest.fixture(scope="session")
def full_run():
    return make_run(rules=("sum", "quality"))


@pytest.fixture(scope="session")
def bare_run():
    """One protocol, one figure, one comparator, nothing trained and nothing else to say."""
    return make_run(
        ("iris_left",), kinds=("subject_disjoint",), comparators=("iris_code",), synthetic=(), trained=False
    )


@pytest.fixture
def run_of():
    return make_run


@pytest.fixture(scope="session")
def table(full_run):
    return full_run[0]


@pytest.fixture(scope="session")
def metrics(full_run):
    return full_run[1]
