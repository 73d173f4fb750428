import pytest
import torch
from pydantic import ValidationError

from selfsame.errors import InputError
from selfsame.learning.device import choose_device
from selfsame.pipelines.evaluation.params import EvaluationParams


@pytest.mark.parametrize(
    ("wanted", "available", "chosen"),
    [("cpu", True, "cpu"), ("auto", True, "cuda"), ("auto", False, "cpu"), ("cuda", True, "cuda")],
)
def test_auto_is_cuda_where_there_is_some(monkeypatch, wanted, available, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: available)
    assert choose_device(wanted) == chosen


def test_absent_cuda_is_refused_and_never_replaced_in_silence(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        InputError, match="expected a CUDA device, got none that torch sees: set device to cpu"
    ):
        choose_device("cuda")


def test_a_misspelt_device_is_refused():
    with pytest.raises(ValidationError, match=r"(?s)device.*'auto', 'cpu' or 'cuda'"):
        EvaluationParams(device="gpu")
