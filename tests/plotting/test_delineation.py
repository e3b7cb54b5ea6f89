"""Spans of a track, and their colours on paper."""

import numpy as np
import pytest

from hf_ecg.plotting import plot_delineation
from hf_ecg.signals.delineation import LabelledSpan, labelled_spans

FRAMES = ["other", "P", "QRS", "T"]


def test_spans_begin_and_end_where_the_class_changes():
    track = np.repeat([0, 1, 0, 2, 3, 3], [50, 40, 10, 50, 60, 40])
    spans = labelled_spans(track, FRAMES, 500)
    assert spans == [LabelledSpan("P", 0.1, 0.18), LabelledSpan("QRS", 0.2, 0.3), LabelledSpan("T", 0.3, 0.5)]
    assert labelled_spans(np.zeros(0, int), FRAMES, 500) == []
    whole = labelled_spans(track, FRAMES, 500, leave_out=())
    assert whole[0] == LabelledSpan("other", 0, 0.1) and sum(span.end - span.start for span in whole) == 0.5
    with pytest.raises(ValueError, match="from 0 to 4, wanted 0 to 3"):
        labelled_spans([0, 4], FRAMES, 500)
    with pytest.raises(ValueError, match="wanted whole numbers"):
        labelled_spans([0.0, 1.0], FRAMES, 500)


def test_each_wave_is_drawn_over_the_trace_in_its_colour():
    ecg = np.sin(np.arange(1000) / 20)[None] * [[1.0], [0.5]]
    spans = [LabelledSpan("P", 1.0, 1.2), LabelledSpan("QRS", 1.5, 2.0), LabelledSpan("P", 3.0, 3.1)]
    figure = plot_delineation(ecg, spans, 250, ["I", "II"], "mV", lead="II", start=1.0, seconds=2)
    lines = {line.get_gid(): line for line in figure.axes[0].get_lines()}
    trace, p, qrs = lines["trace-II"], lines["wave-P"], lines["wave-QRS"]
    assert p.get_color() != qrs.get_color()
    for wave, first, last in ((p, 0, 50), (qrs, 125, 250)):
        shown = np.flatnonzero(np.isfinite(wave.get_ydata()))
        assert shown[0] == first and shown[-1] == last - 1 or wave is p and shown[49] == 49
        np.testing.assert_array_equal(wave.get_ydata()[shown], trace.get_ydata()[shown])
    assert {text.get_text() for text in figure.axes[0].texts} >= {"P", "QRS"}
    with pytest.raises(ValueError, match=r"lead is 'V1', wanted one of those in the picture: \['I', 'II'\]"):
        plot_delineation(ecg, spans, 250, ["I", "II"], "mV", lead="V1")
