import pandas as pd

from selfsame.learning.training.history import draw_history, tabulate_history
from selfsame.learning.training.state import EpochRecord

RECORDS = [EpochRecord(1, 3.0, None, 0.1, 0.01, 2.0, 50.0), EpochRecord(2, 1.0, 1.5, 0.6, 0.005, 2.5, 40.0)]


def test_history_is_one_row_an_epoch_with_null_where_nothing_was_validated():
    history = tabulate_history(RECORDS)
    assert history["epoch"].tolist() == [1, 2]
    assert history["validation_loss"].isna().tolist() == [True, False]
    assert history["images_per_second"].tolist() == [50.0, 40.0]


def test_schema_is_the_same_with_and_without_validation():
    with_validation, without = tabulate_history(RECORDS), tabulate_history(RECORDS[:1])
    pd.testing.assert_series_equal(with_validation.dtypes, without.dtypes)


def test_plot_draws_validation_where_there_is_some():
    losses, accuracy, rate = draw_history(tabulate_history(RECORDS)).axes
    assert [line.get_label() for line in losses.lines] == ["training", "validation"]
    assert list(accuracy.lines[0].get_ydata()) == [0.1, 0.6]
    assert len(rate.lines) == 1
    assert len(draw_history(tabulate_history(RECORDS[:1])).axes[0].lines) == 1
