"""Names in the parameters that only a stage would look up, checked before the run."""

from pathlib import Path

import pytest
from kedro.framework.project import configure_project, pipelines
from kedro.framework.session import KedroSession

from selfsame.errors import InputError
from selfsame.hooks.agreement import AgreeingParameters, require_comparators
from selfsame.workloads import DEFAULT

PROJECT = Path(__file__).parents[2]


def check(stage: str, **given: object) -> None:
    configure_project("selfsame")
    catalog = KedroSession.create(project_path=PROJECT, runtime_params=given).load_context().catalog
    AgreeingParameters().before_pipeline_run(pipelines[stage], catalog)


@pytest.mark.parametrize("stage", ["biometrics", "irises", "fingerprints", "faces"])
def test_the_shipped_parameters_agree_and_nothing_is_said(
    stage: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "selfsame")
    assert check(stage) is None
    assert not [record for record in caplog.records if record.name.startswith("selfsame")]


def encoder(**settings: object) -> dict[str, object]:
    return {"biometrics": {"training": {"encoders": {"iris": settings}}}}


def fusion(**settings: object) -> dict[str, object]:
    return {"biometrics": {"evaluation": {"fusion": settings}}}


@pytest.mark.parametrize(
    ("stage", "given", "said"),
    [
        ("data_engineering", {"layout": "kagle"}, "expected the layout to be one of .*, got 'kagle'"),
        (
            "evaluation",
            fusion(chosen={"iris_left": "iriscode"}),
            r"a comparator .* in biometrics\.evaluation\.fusion\.chosen\.iris_left, got 'iriscode': did you "
            r"mean iris_code\?",
        ),
        ("evaluation", fusion(chosen={"fingerprint": "x"}), "got 'x': there is minutiae, cosine"),
        (
            "training",
            encoder(name="mobilenet_v4"),
            r"timm model as encoder, got 'mobilenet_v4'.*encoders\.iris",
        ),
        ("training", encoder(stage=99), r"at stage 99.*\(biometrics\.training\.encoders\.iris\)"),
        (
            "training",
            encoder(pretrained="/no/such"),
            r"weights in /no/such, got no such file: correct .*pretrained",
        ),
    ],
)
def test_a_name_of_nothing_stops_the_run_at_once(stage: str, given: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check(stage, **given)


def test_stages_that_do_not_run_are_not_looked_at() -> None:
    assert check("preprocessing", **encoder(name="mobilenet_v4")) is None


def test_a_modality_that_a_workload_does_not_have_is_refused() -> None:
    configure_project("selfsame")
    catalog = KedroSession.create(project_path=PROJECT).load_context().catalog
    shipped = catalog.load("params:biometrics.evaluation")
    fused = shipped.fusion.model_copy(update={"quality": {"fingerprnt": "x"}})
    with pytest.raises(
        InputError, match=r"a modality .*fusion\.quality, got 'fingerprnt': did you mean finger"
    ):
        require_comparators(DEFAULT, shipped.model_copy(update={"fusion": fused}), {})
