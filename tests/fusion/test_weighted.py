import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from selfsame.fusion.weighted import ModalityWeights, fuse_cosines


def hundredths(lowest: int) -> st.SearchStrategy[float]:
    return st.integers(lowest, 100).map(lambda number: number / 100)


WEIGHTS = torch.tensor([0.5, 0.3, 0.2])


def test_fused_score_is_the_weighted_mean_of_what_both_sides_have():
    shared = torch.tensor([[True, True, True], [True, False, True]])
    fused = fuse_cosines(torch.tensor([[0.9, 0.1, -0.4], [0.9, 0.1, -0.4]]), shared, WEIGHTS)
    expected = [0.5 * 0.9 + 0.3 * 0.1 - 0.2 * 0.4, (0.5 * 0.9 - 0.2 * 0.4) / 0.7]
    torch.testing.assert_close(fused, torch.tensor(expected))


def test_what_stands_in_an_absent_place_never_matters():
    shared = torch.tensor([True, False, True])
    scores = {
        float(fuse_cosines(torch.tensor([0.9, filler, -0.4]), shared, WEIGHTS))
        for filler in (0.0, 1.0, -1.0, float("nan"), float("inf"))
    }
    assert len(scores) == 1


def test_adding_an_absent_modality_changes_nothing():
    two = fuse_cosines(torch.tensor([0.9, 0.1]), torch.tensor([True, True]), WEIGHTS[:2])
    three = fuse_cosines(torch.tensor([0.9, 0.1, 0.7]), torch.tensor([True, True, False]), WEIGHTS)
    torch.testing.assert_close(two, three)


def test_sides_that_share_nothing_have_no_score_and_no_gradient():
    cosines = torch.tensor([0.9, 0.1, 0.7], requires_grad=True)
    weights = WEIGHTS.clone().requires_grad_()
    fused = fuse_cosines(cosines, torch.zeros(3, dtype=torch.bool), weights)
    assert fused == -torch.inf
    functional.cross_entropy(torch.stack([fused, cosines[0]]), torch.tensor(1)).backward()
    assert torch.isfinite(cosines.grad).all()
    assert weights.grad is None or torch.isfinite(weights.grad).all()


@given(st.lists(st.tuples(hundredths(-100), hundredths(1), st.booleans()), min_size=1, max_size=5))
def test_fused_score_lies_between_the_lowest_and_the_highest_shared_cosine(rows):
    cosines, weights, shared = (torch.tensor(column) for column in zip(*rows, strict=True))
    fused = float(fuse_cosines(cosines, shared, weights))
    heard = cosines[shared].tolist()
    assert fused == -torch.inf if not heard else min(heard) - 1e-5 <= fused <= max(heard) + 1e-5


def test_weights_begin_equal_are_positive_and_sum_to_one():
    torch.testing.assert_close(ModalityWeights(4)(), torch.full((4,), 0.25))
    weights = ModalityWeights(3)
    weights.logits.data = torch.tensor([-30.0, 0.0, 5.0])
    assert (weights() > 0).all()
    torch.testing.assert_close(weights().sum(), torch.tensor(1.0))
