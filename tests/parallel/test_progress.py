"""Progress where there is no terminal: lines in the log, neither none nor thousands."""

import logging

import pytest

from selfsame.parallel.progress import EVERY_S, follow


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when a test says so."""
    now = [0.0]
    monkeypatch.setattr("selfsame.parallel.progress.time.monotonic", lambda: now[0])
    return now


def make(clock, seconds):
    for number, passing in enumerate(seconds):
        clock[0] += passing
        yield number


def test_items_come_as_they_are_made_and_none_is_asked_for_ahead(clock):
    made = make(clock, [1.0] * 5)
    followed = follow(made, "scan", 5, "file")
    assert [next(followed), next(followed)] == [0, 1]
    assert next(made) == 2


def test_a_line_tells_how_far_the_work_is_about_every_ten_seconds(clock, caplog):
    caplog.set_level(logging.INFO)
    list(follow(make(clock, [EVERY_S / 4] * 10), "scan", 10, "file"))
    assert caplog.messages == ["scan: 4 of 10 files", "scan: 8 of 10 files"]


def test_short_work_tells_nothing(clock, caplog):
    caplog.set_level(logging.INFO)
    list(follow(make(clock, [EVERY_S / 100] * 50), "scan", 50, "file"))
    assert caplog.messages == []


def test_a_terminal_shows_a_bar_and_no_lines(clock, caplog, capsys, monkeypatch):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    list(follow(make(clock, [EVERY_S] * 3), "scan", 3, "file"))
    assert caplog.messages == []
    assert "3/3" in capsys.readouterr().err


def test_units_are_written_in_the_plural(clock, caplog):
    caplog.set_level(logging.INFO)
    list(follow(make(clock, [EVERY_S] * 2), "templates", 2, "batch"))
    assert caplog.messages == ["templates: 1 of 2 batches"]
