"""What is measured is marked on the paper, where each lead shows it."""

import numpy as np
import pytest

from hf_ecg.plotting import plot_measured
from hf_ecg.signals import STANDARD_LEADS, Record
from hf_ecg.signals.measuring import measure
from hf_ecg.simulation import simulate_ecg

pytest.importorskip("matplotlib")


def test_waves_are_marked_where_they_were_measured():
    ecg = simulate_ecg("sinus_rhythm", 250, 6, seed=2, heart_rate=75)
    record = Record("made", ecg.signal.astype(float), None, None, STANDARD_LEADS, 250.0)
    found = measure(record)
    figure = plot_measured(record, found, show=["II"])
    (paper, below) = figure.axes
    lines = [line for line in paper.lines if line.get_gid() == "qrs-II"]
    places = found.beats.per_lead["II"]
    first = [place for place in places["qrs_onset"] / 250 if np.isfinite(place)]
    # 25 mm a second, from the end of the calibration pulse on
    starts = sorted(line.get_xdata()[0] for line in lines)
    np.testing.assert_allclose(np.diff(starts), 25 * np.diff(first), atol=0.3)
    text = " ".join(one.get_text() for one in below.texts)
    assert f"rate {found.heart_rate:.0f} /min" in text and f"QRS {found.qrs_ms:.0f} ms" in text
