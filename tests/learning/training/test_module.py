import numpy as np
import pytest
import torch

from selfsame.learning.loading.batches import Batch, BatchLoader
from selfsame.learning.training.fitting import build_recogniser
from selfsame.learning.training.module import TrainingModule
from selfsame.learning.training.plan import EpochPlan, Whole
from selfsame.learning.training.task import assemble_task


@pytest.fixture
def module(toy, parameters) -> TrainingModule:
    torch.manual_seed(0)
    data, chosen = toy(), parameters()
    task = assemble_task(
        data.arrays,
        data.indexes,
        encoder_of=chosen.encoder_of,
        encoders=chosen.encoders,
        regimen=chosen,
        seed=1,
    )
    plan = EpochPlan(list(task.train.values()), seed=1, batch_size=16)
    built = TrainingModule(
        build_recogniser(task),
        regimen=chosen,
        augmentations=task.augmentations,
        plan=plan,
        seed=1,
        finished=0,
        optimiser_state=None,
    )
    built.batch = next(iter(BatchLoader(list(task.arrays.values()), plan, prefetch=1, pin=False)))
    return built.eval()


def without(batch: Batch, column: int, filler: int) -> Batch:
    """Take a modality away, and leave `filler` where its pixels were."""
    images = list(batch.images)
    images[column] = torch.full_like(images[column], filler)
    present, labels = batch.present.clone(), batch.labels.clone()
    present[:, column] = False
    labels[:, 1 + column] = -1
    return Batch(tuple(images), present, labels)


@pytest.mark.parametrize("column", [0, 1, 2])
def test_pixels_of_an_absent_modality_never_matter(module, column):
    losses = [
        module.compute_losses(without(module.batch, column, filler), 0.0, None) for filler in (0, 255, 97)
    ]
    assert len({one.total.item() for one in losses}) == 1
    assert losses[0].total.item() != module.compute_losses(module.batch, 0.0, None).total.item()


def test_absent_modality_gets_no_gradient(module):
    module.compute_losses(without(module.batch, 2, 200), 0.0, None).total.backward()
    assert all(one.grad is None for one in module.recogniser.encoder("fingerprint").parameters())
    assert module.recogniser.prototypes["fingerprint"].grad is None
    assert module.recogniser.encoder("iris").project.weight.grad.abs().sum() > 0


def test_prototypes_on_the_embeddings_are_scored_right(module):
    recogniser = module.recogniser
    one = Batch(
        *(
            part[:1] if torch.is_tensor(part) else tuple(x[:1] for x in part)
            for part in vars(module.batch).values()
        )
    )
    for m, modality in enumerate(recogniser.design.modalities):
        embedding = recogniser.encode(modality, one.images[m].float() / 255)
        recogniser.prototypes[recogniser.design.encoder_of[modality]].data[one.labels[0, 1 + m]] = embedding[
            0
        ].detach()
    assert int(module.compute_losses(one, 0.0, None).correct) == 1


def test_margin_raises_the_loss(module):
    plain, widened = (module.compute_losses(module.batch, margin, None).total.item() for margin in (0.0, 0.3))
    assert widened > plain


def test_same_step_draws_the_same_augmentation_and_dropout_of_modalities(module):
    totals = [
        module.compute_losses(module.batch, 0.0, torch.Generator().manual_seed(seed)).total.item()
        for seed in (1, 1, 2)
    ]
    assert totals[0] == totals[1] != totals[2]


@pytest.mark.parametrize("world", [2, 3, 40])
def test_shares_of_a_batch_add_up_to_its_loss_whoever_has_which(module, world):
    batch = without(module.batch, 1, 7)
    present, generator = batch.present.numpy(), torch.Generator()
    expected = module.compute_losses(batch, 0.2, generator.manual_seed(3))
    shares = []
    for rank in range(world):
        own = np.arange(rank, len(batch), world)
        share = Batch(tuple(one[own] for one in batch.images), batch.present[own], batch.labels[own])
        shares.append(module.compute_losses(share, 0.2, generator.manual_seed(3), Whole(present, own)))
    assert sum(one.total.item() for one in shares) == pytest.approx(expected.total.item(), abs=1e-4)
    assert sum(int(one.correct) for one in shares) == int(expected.correct)


def test_norms_biases_prototypes_and_fusion_are_not_decayed(module):
    decayed, kept = module.configure_optimizers().param_groups
    assert decayed["weight_decay"] > 0 == kept["weight_decay"]
    assert {one.ndim for one in decayed["params"]} <= {2, 4}
    prototypes = module.recogniser.prototypes["iris"]
    assert any(one is prototypes for one in kept["params"])
    count = len(decayed["params"]) + len(kept["params"])
    assert count == len(list(module.recogniser.parameters()))


def test_a_fused_step_of_the_optimiser_is_a_step_of_the_other(module):
    before = {name: one.clone() for name, one in module.recogniser.state_dict().items()}
    after = []
    for fused in (True, False):
        module.recogniser.load_state_dict(before)
        module.regimen = module.regimen.model_copy(update={"fused": fused})
        optimiser = module.configure_optimizers()
        assert {group["fused"] for group in optimiser.param_groups} == {fused}
        optimiser.zero_grad()
        module.compute_losses(module.batch, 0.0, None).total.backward()
        optimiser.step()
        after.append({name: one.clone() for name, one in module.recogniser.state_dict().items()})
    torch.testing.assert_close(*after)
    assert any(not torch.equal(one, before[name]) for name, one in after[0].items())


def test_plan_hands_out_every_presentation_with_its_labels(module):
    steps = list(module.plan)
    assert len(steps) == len(module.plan)
    labels = np.concatenate([step.labels for step in steps])
    assert labels.shape == (24, 4)
    assert set(labels[:, 0]) == {0, 1, 2, 3}
    assert (labels[:, 1:] >= 0).all()
