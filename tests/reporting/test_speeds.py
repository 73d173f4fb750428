import pandas as pd

from selfsame.reporting.speeds import draw_speeds


def preprocessing(modality: str) -> pd.DataFrame:
    rows = [("floor", 1, 100.0), ("sequential", 1, 90.0), ("threading", 1, 88.0), ("threading", 2, 160.0)]
    table = pd.DataFrame(rows, columns=["backend", "workers", "images_per_s"])
    rate = table["images_per_s"]
    starts = [0.0, 0.0, 0.2, 0.4]
    return table.assign(modality=modality, least=rate - 5, greatest=rate + 5, start_s=starts)


def loading() -> pd.DataFrame:
    rows = [
        ("memcpy", 16, 0, 0, 1e5), ("memcpy", 64, 0, 0, 2e5), ("batch_loader", 16, 2, 0, 5e4),
        ("batch_loader", 64, 2, 0, 8e4), ("file_per_image", 64, 0, 2, 1e3),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["design", "batch_size", "prefetch", "workers", "samples_per_s"])
    return table.assign(least=table["samples_per_s"] * 0.9, greatest=table["samples_per_s"] * 1.1)


def test_there_is_a_panel_a_modality_and_one_of_the_loading() -> None:
    figure = draw_speeds([preprocessing("iris_left"), preprocessing("fingerprint")], loading())
    shown = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title(loc="left") for axes in shown] == [
        "preprocessing: iris left", "preprocessing: fingerprint", "loading",
    ]  # fmt: skip
    assert [axes.get_xlabel() for axes in shown] == ["workers", "workers", "samples a batch"]
    assert [axes.get_ylabel() for axes in shown] == ["images/s", "images/s", "samples/s"]


def test_a_backend_is_a_line_over_the_measured_numbers_of_workers() -> None:
    (axes,) = draw_speeds([preprocessing("iris_left")], None).axes
    legend = axes.get_legend()
    assert legend is not None
    names = [text.get_text() for text in legend.get_texts()]
    assert names == [
        "decoding and\nnormalising alone",
        "sequential",
        "threading\n(0.4 s to start)",
    ]
    lines = {tuple(line.get_xdata()): tuple(line.get_ydata()) for line in axes.get_lines()}
    assert (1, 2) in lines
    assert list(axes.get_xticks()) == [1, 2]
    floor = axes.get_lines()[0]
    assert list(floor.get_ydata()) == [100.0, 200.0]


def test_a_line_of_batches_is_named_by_how_many_are_ahead() -> None:
    axes = draw_speeds([preprocessing("iris_left")], loading()).axes[1]
    legend = axes.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "memcpy", "2 batches ahead", "one file an image,\n2 workers",
    ]  # fmt: skip
    assert axes.get_yscale() == "log"
