import pytest

from selfsame.errors import InputError
from selfsame.pipelines.training.nodes import fit_recogniser, plot_history

MODALITIES = ("iris_left", "fingerprint")


def inputs(data):
    return [part for name in MODALITIES for part in (data.arrays[name], data.indexes[name])]


def test_training_hands_over_checkpoints_history_and_summary(toy, parameters, tmp_path):
    best, last, history, summary = fit_recogniser(parameters(max_epochs=2), 1, tmp_path, *inputs(toy()))
    assert best.modalities == last.modalities == MODALITIES
    assert last.epoch == len(history) == summary["epochs"] == 2
    assert sum(best.fusion_weights.values()) == pytest.approx(1)
    assert min(best.fusion_weights.values()) > 0
    assert summary["best_epoch"] == best.epoch
    assert summary["training_subjects"] == 4
    assert summary["training_captures"] == 12 + 24
    assert len(plot_history(history).axes) == 3


def test_modality_without_captures_is_left_out(toy, parameters, tmp_path):
    data = toy()
    data.indexes["fingerprint"] = data.indexes["fingerprint"].head(0)
    best, *_ = fit_recogniser(parameters(max_epochs=1), 1, tmp_path, *inputs(data))
    assert best.modalities == ("iris_left",)


def test_modality_without_an_encoder_is_refused(toy, parameters, tmp_path):
    data = toy()
    data.indexes["iris_left"]["modality"] = "face"
    with pytest.raises(InputError, match="expected an encoder for face"):
        fit_recogniser(parameters(), 1, tmp_path, *inputs(data))


def test_no_epoch_is_called_the_best_where_nothing_was_validated(toy, parameters, tmp_path):
    data = toy()
    data.indexes = {name: index.query("split != 'validation'") for name, index in data.indexes.items()}
    best, last, _, summary = fit_recogniser(parameters(max_epochs=2), 1, tmp_path, *inputs(data))
    assert summary["best_epoch"] is None
    assert best.version == last.version
