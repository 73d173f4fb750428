import logging
import math
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from selfsame.errors import DamagedError, InputError
from selfsame.learning.embedding.captures import embed_captures
from selfsame.learning.embedding.classification import classify_presentations
from selfsame.learning.training.epochs import find_best_epoch, ran_out_of_patience, require_finite
from selfsame.learning.training.fitting import fit, pack_checkpoint
from selfsame.learning.training.module import TrainingModule
from selfsame.learning.training.regimen import EarlyStopping
from selfsame.learning.training.state import EpochRecord, read_state
from selfsame.learning.training.task import assemble_task


def train(data, parameters, folder, seed=1):
    task = assemble_task(
        data.arrays,
        data.indexes,
        encoder_of=parameters.encoder_of,
        encoders=parameters.encoders,
        regimen=parameters,
        seed=seed,
    )
    folder.mkdir(parents=True, exist_ok=True)
    return fit(task, parameters, folder), task


def same(left, right):
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def accuracy(data, parameters, folder, modalities=("iris_left", "iris_right", "fingerprint")):
    """Share of test captures, finger by finger, whose best subject is the labelled one."""
    state, task = train(data, parameters, folder)
    checkpoint = pack_checkpoint(state, task, best=False)
    tests = []
    for modality in modalities:
        index = data.indexes[modality]
        chosen = index[index["split"] == "test"]
        tests.append(
            embed_captures(checkpoint, modality, data.arrays[modality], chosen, batch_size=32, device="cpu")
        )
    embeddings = pd.concat(tests, ignore_index=True)
    right = []
    for modality in modalities:
        rows = np.flatnonzero(embeddings["modality"] == modality)
        scores = classify_presentations(checkpoint, embeddings, {modality: rows})
        found = np.array(checkpoint.labels.subjects)[scores.argmax(axis=1)]
        right.extend(found == embeddings["subject_id"].to_numpy()[rows])
    return float(np.mean(right))


def test_same_seed_gives_the_same_bits_and_another_seed_others(toy, parameters, tmp_path):
    first, _ = train(toy(), parameters(), tmp_path / "a")
    second, _ = train(toy(), parameters(), tmp_path / "b")
    other, _ = train(toy(), parameters(), tmp_path / "c", seed=2)
    assert same(first.weights, second.weights)
    assert not same(first.weights, other.weights)


def test_global_random_state_neither_matters_nor_changes(toy, parameters, tmp_path):
    first, _ = train(toy(), parameters(max_epochs=1), tmp_path / "a")
    torch.manual_seed(12345)
    before = torch.random.get_rng_state()
    second, _ = train(toy(), parameters(max_epochs=1), tmp_path / "b")
    assert torch.equal(before, torch.random.get_rng_state())
    assert not torch.are_deterministic_algorithms_enabled()
    assert same(first.weights, second.weights)


def test_it_learns_what_there_is_to_learn(toy, parameters, tmp_path):
    assert accuracy(toy(subjects=6), parameters(max_epochs=12), tmp_path) > 0.8


def test_shuffled_identities_stay_at_chance(toy, parameters, tmp_path):
    assert accuracy(toy(subjects=6, shuffled=True), parameters(max_epochs=12), tmp_path) < 0.5


def test_pixels_of_captures_that_are_not_trained_on_never_matter(toy, parameters, tmp_path):
    data, other = toy(), toy()
    for modality, index in other.indexes.items():
        pixels = other.arrays[modality].gather(np.arange(len(index)))
        pixels[index["split"] != "train"] = 77
        other.arrays[modality] = type(data.arrays[modality])({modality: pixels})
    first, _ = train(data, parameters(max_epochs=1), tmp_path / "a")
    second, _ = train(other, parameters(max_epochs=1), tmp_path / "b")
    assert same(first.weights, second.weights)


def test_subject_without_a_modality_is_trained_on_the_others(toy, parameters, tmp_path):
    data = toy()
    data.indexes["iris_left"] = data.indexes["iris_left"].query("subject_id != 's0'")
    state, task = train(data, parameters(max_epochs=1), tmp_path)
    assert task.labels.subjects == ("s0", "s1", "s2", "s3")
    assert ("s0", "left") not in task.labels.classes["iris"]
    assert all(torch.isfinite(tensor).all() for tensor in state.weights.values())


def test_left_and_right_irises_share_an_encoder_but_no_class(toy, parameters, tmp_path):
    _, task = train(toy(), parameters(max_epochs=1), tmp_path)
    assert set(task.design.encoders) == {"iris", "fingerprint"}
    assert len(task.labels.classes["iris"]) == 8


def test_finished_run_with_the_same_inputs_is_reused(toy, parameters, tmp_path, caplog):
    first, _ = train(toy(), parameters(max_epochs=1), tmp_path)
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="selfsame"):
        second, _ = train(toy(), parameters(max_epochs=1), tmp_path)
    assert first.history == second.history
    assert ["the run of 1 epochs with the same inputs is reused" in line for line in caplog.messages] == [
        True
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("seed", "another seed"),
        ("parameters", "other training parameters"),
        ("data", "other captures or pixels"),
        ("splits", "other splits"),
    ],
)
def test_changed_inputs_begin_afresh_and_say_why(toy, parameters, tmp_path, caplog, changed, said):
    train(toy(), parameters(max_epochs=1), tmp_path)
    data = toy(subjects=5) if changed == "data" else toy()
    if changed == "splits":
        data.indexes["iris_left"].loc[0, "split"] = "validation"
    regimen = {"learning_rate": 0.001} if changed == "parameters" else {}
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="selfsame"):
        train(data, parameters(max_epochs=1, **regimen), tmp_path, seed=2 if changed == "seed" else 1)
    assert f"begins afresh, because the earlier run was of {said}" in caplog.messages[0]


def test_damaged_state_begins_afresh_and_says_so(toy, parameters, tmp_path, caplog):
    first, _ = train(toy(), parameters(max_epochs=1), tmp_path)
    state = tmp_path / "state.pt"
    state.write_bytes(state.read_bytes()[:1000])
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="selfsame"):
        second, _ = train(toy(), parameters(max_epochs=1), tmp_path)
    assert "begins afresh (expected the complete state" in caplog.messages[0]
    assert same(first.weights, second.weights)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_state_never_runs_code_of_a_pickle(toy, parameters, tmp_path):
    import pickle

    class Attack:
        def __reduce__(self):
            return (open, (str(tmp_path / "attacked"), "w"))

    (tmp_path / "state.pt").write_bytes(pickle.dumps(Attack()))
    with pytest.raises(DamagedError, match="expected the complete state"):
        read_state(tmp_path)
    assert not (tmp_path / "attacked").exists()


def test_nothing_but_state_and_logs_is_left_in_the_folder(toy, parameters, tmp_path):
    train(toy(), parameters(max_epochs=1), tmp_path)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["state.pt", "tensorboard"]
    assert list((tmp_path / "tensorboard").rglob("events.out.tfevents.*"))


def test_validation_loss_is_recorded_and_the_best_epoch_is_its_lowest(toy, parameters, tmp_path):
    state, task = train(toy(), parameters(max_epochs=3), tmp_path)
    losses = [one.validation_loss for one in state.history]
    assert state.best_epoch == 1 + losses.index(min(losses))
    assert pack_checkpoint(state, task, best=True).metrics["validation_loss"] == min(losses)


def test_accumulation_clipping_softmax_and_constant_schedule_run(toy, parameters, tmp_path):
    chosen = parameters(
        accumulate=2,
        clip_norm=None,
        objective={"kind": "softmax", "scale": 16.0, "modality_share": 0.5},
        schedule={"kind": "constant"},
        early_stopping={"monitor": "validation_loss", "patience": 1},
    )
    state, _ = train(toy(), chosen, tmp_path)
    assert state.finished
    assert {one.learning_rate for one in state.history} == {chosen.learning_rate}


def test_no_step_has_a_learning_rate_of_zero_and_the_warm_up_reaches_the_peak(
    toy, parameters, tmp_path, monkeypatch
):
    step, rates = TrainingModule.training_step, []

    def watch(module, batch, number):
        loss = step(module, batch, number)
        rates.append(module.trainer.optimizers[0].param_groups[0]["lr"])
        return loss

    monkeypatch.setattr(TrainingModule, "training_step", watch)
    schedule = {"kind": "cosine", "warm_up": 2 / 7, "floor": 0.0}
    train(toy(), parameters(max_epochs=1, batch_size=4, learning_rate=0.002, schedule=schedule), tmp_path)
    # Step k of 6 at k/7: two of warm-up, then (1 + cos(i * 180 deg / 5)) / 2 for i = 1 to 4.
    expected = [0.5, 1.0, 0.904508, 0.654508, 0.345492, 0.095492]
    assert rates == pytest.approx([0.002 * factor for factor in expected], rel=1e-5)


def test_mixed_precision_goes_with_a_fused_optimiser_and_clipping(toy, parameters, tmp_path):
    state, _ = train(toy(), parameters(max_epochs=1, precision="bf16-mixed", fused=True), tmp_path)
    assert math.isfinite(state.history[0].train_loss)
    assert {tensor.dtype for tensor in state.weights.values()} <= {torch.float32, torch.int64}


def test_early_stopping_without_validation_captures_is_refused(toy, parameters, tmp_path):
    data = toy()
    data.indexes = {name: index.query("split != 'validation'") for name, index in data.indexes.items()}
    chosen = parameters(early_stopping={"monitor": "validation_loss", "patience": 2})
    with pytest.raises(InputError, match="early stopping monitors validation_loss"):
        train(data, chosen, tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_absent_device_is_refused_before_any_work(toy, parameters, tmp_path):
    with pytest.raises(InputError, match="expected a CUDA device"):
        train(toy(), parameters(device="cuda"), tmp_path)


def record(epoch, validation):
    return EpochRecord(epoch, 1.0 / epoch, validation, 0.5, 0.1, 1.0, 10.0)


def test_patience_counts_epochs_since_the_lowest_loss():
    stopping = EarlyStopping(monitor="validation_loss", patience=2)
    history = [record(1, 3.0), record(2, 1.0), record(3, 2.0)]
    assert not ran_out_of_patience(history, stopping)
    assert ran_out_of_patience([*history, record(4, 1.5)], stopping)
    assert not ran_out_of_patience([*history, record(4, 1.5)], None)


def test_without_validation_the_last_epoch_is_the_best():
    assert find_best_epoch([record(1, None), record(2, None)]) == 2
    assert find_best_epoch([record(1, 0.5), record(2, 0.7)]) == 1


def test_the_best_epoch_is_never_one_whose_loss_is_no_number():
    assert find_best_epoch([record(1, math.nan), record(2, 0.7), record(3, math.inf)]) == 2
    assert find_best_epoch([record(1, 0.7), record(2, math.nan)]) == 1


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_is_refused_with_its_epoch_and_remedy(loss):
    with pytest.raises(InputError, match="as validation loss in epoch 4: lower learning_rate") as caught:
        require_finite(record(4, loss), {})
    assert "\n" not in str(caught.value)


def test_weights_that_are_no_numbers_are_refused_by_name():
    with pytest.raises(InputError, match=r"as weights fusion\.logits in epoch 1"):
        require_finite(record(1, 0.5), {"n": torch.tensor(3), "fusion.logits": torch.tensor([0.0, math.nan])})


def test_training_that_diverges_stops_in_one_line_and_leaves_no_state(toy, parameters, tmp_path):
    with pytest.raises(InputError, match=r"expected finite numbers in training.* in epoch 1: lower"):
        train(toy(), parameters(learning_rate=1e30, clip_norm=None), tmp_path)
    assert not (tmp_path / "state.pt").exists()


def test_known_warnings_of_lightning_are_hidden_and_others_shown(toy, parameters, tmp_path, monkeypatch):
    step = TrainingModule.training_step

    def warn(*arguments):
        warnings.warn("the data look odd", stacklevel=1)
        return step(*arguments)

    monkeypatch.setattr(TrainingModule, "training_step", warn)
    chosen = parameters(max_epochs=1)
    frozen = {name: one.model_copy(update={"frozen": True}) for name, one in chosen.encoders.items()}
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        train(toy(), chosen.model_copy(update={"encoders": frozen}), tmp_path)
    assert {str(one.message) for one in shown} == {"the data look odd"}


def test_logs_of_other_data_go_to_another_folder(toy, parameters, tmp_path):
    for subjects in (4, 5):
        train(toy(subjects=subjects), parameters(max_epochs=1), tmp_path)
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2
