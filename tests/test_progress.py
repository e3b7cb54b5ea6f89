"""Bars where somebody looks, lines where nobody does, nothing where silence is wanted."""

import io
import sys

import pytest

from hf_ecg import progress
from hf_ecg.progress import progress_bar, silence, without_bars_of_others, write_line


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def screen(monkeypatch):
    def use(stream):
        monkeypatch.setattr(sys, "stderr", stream)
        return stream

    return use


def test_a_terminal_gets_a_bar_with_records_per_second(screen):
    shown = screen(Terminal())
    with progress_bar(total=4, desc="embedding") as bar:
        bar.update(4)
    assert "embedding: 100%|" in shown.getvalue() and "4/4" in shown.getvalue() and " records/s" in shown.getvalue()


def test_a_file_gets_a_line_now_and_then(screen, monkeypatch):
    shown = screen(io.StringIO())
    list(progress_bar(range(1000), desc="measuring"))
    assert shown.getvalue() == ""
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 1e-9)
    list(progress_bar(range(3), desc="measuring"))
    lines = shown.getvalue().splitlines()
    assert lines and all(line.startswith("measuring: ") and "of 3 records after" in line for line in lines)
    assert "\r" not in shown.getvalue() and lines[-1].startswith("measuring: 3 of 3 records")


def test_silence_is_for_bars_and_lines(screen):
    shown = screen(Terminal())
    with silence():
        list(progress_bar(range(3), desc="measuring"))
        write_line("a note")
    assert shown.getvalue() == ""


def test_the_bars_of_others_are_off_and_on_again():
    import datasets
    from transformers.utils import logging

    before = logging.is_progress_bar_enabled(), datasets.is_progress_bar_enabled()
    with without_bars_of_others():
        assert not logging.is_progress_bar_enabled() and not datasets.is_progress_bar_enabled()
    assert (logging.is_progress_bar_enabled(), datasets.is_progress_bar_enabled()) == before
