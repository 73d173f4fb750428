import math

import pytest
import torch

from selfsame.learning.training.objective import add_margin, margin_softmax


def slow_arcface(cosines, labels, scale, margin):
    """The formula of the paper, one number at a time."""
    total = 0.0
    for row, label in zip(cosines.tolist(), labels.tolist(), strict=True):
        true = math.exp(scale * math.cos(math.acos(row[label]) + margin))
        others = sum(math.exp(scale * value) for i, value in enumerate(row) if i != label)
        total -= math.log(true / (true + others))
    return total / len(labels)


@pytest.mark.parametrize(("scale", "margin"), [(1.0, 0.0), (8.0, 0.3), (16.0, 0.5)])
def test_loss_is_the_formula_of_the_paper(scale, margin):
    cosines = torch.tensor([[0.9, 0.1, -0.5], [0.2, -0.3, 0.6], [-0.7, 0.4, 0.0]], dtype=torch.float64)
    labels = torch.tensor([0, 2, 1])
    loss = margin_softmax(cosines, labels, scale=scale, margin_rad=margin)
    assert float(loss) == pytest.approx(slow_arcface(cosines, labels, scale, margin), rel=1e-9)


def test_margin_lowers_the_true_class_and_leaves_the_others():
    cosines = torch.rand(5, 4) * 2 - 1
    labels = torch.tensor([0, 1, 2, 3, 0])
    widened = add_margin(cosines, labels, 0.4)
    true = torch.nn.functional.one_hot(labels, 4).bool()
    assert (widened[true] < cosines[true]).all()
    assert torch.equal(widened[~true], cosines[~true])


def test_margin_never_raises_a_score_however_wide_the_angle():
    cosines = torch.linspace(-1, 1, 101).unsqueeze(1)
    widened = add_margin(cosines, torch.zeros(101, dtype=torch.int64), 0.5).squeeze()
    assert (widened <= cosines.squeeze() + 1e-6).all()
    assert (widened.diff() > -0.02).all()


def test_classes_that_cannot_be_compared_neither_count_nor_break_the_gradient():
    cosines = torch.tensor([[0.5, -torch.inf, 0.1]], requires_grad=True)
    loss = margin_softmax(cosines, torch.tensor([0]), scale=10.0, margin_rad=0.2)
    without = margin_softmax(torch.tensor([[0.5, 0.1]]), torch.tensor([0]), scale=10.0, margin_rad=0.2)
    torch.testing.assert_close(loss, without)
    loss.backward()
    assert torch.isfinite(cosines.grad).all()


def test_gradient_is_finite_at_the_pole():
    cosines = torch.tensor([[1.0, -1.0]], requires_grad=True)
    margin_softmax(cosines, torch.tensor([0]), scale=30.0, margin_rad=0.3).backward()
    assert torch.isfinite(cosines.grad).all()
