"""ECGs: the scale of ECG paper measured on the figure, what goes where, gaps, files, errors."""

import sys

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason='figures need the extra "plot"')

from hf_ecg.plotting import plot_ecg, save_figure
from hf_ecg.signals import STANDARD_LEADS, Record
from tests.plotting.made import NAMES, RATE, draw, ecg, label, line, lines, on_paper


def test_a_second_is_25_mm_and_a_millivolt_10_mm():
    signals = ecg(1)
    figure = draw(signals)
    x, y = on_paper(figure, line(figure, "trace-II"))
    assert x[RATE] - x[0] == pytest.approx(25)
    assert np.ptp(y) == pytest.approx(10 * np.ptp(signals))


def test_speed_and_gain_change_the_scale():
    signals = ecg(1, 4)
    figure = draw(signals, speed=50, gain=20)
    x, y = on_paper(figure, line(figure, "trace-II"))
    assert x[RATE] - x[0] == pytest.approx(50)
    assert np.ptp(y) == pytest.approx(20 * np.ptp(signals))
    assert "50 mm/s" in label(figure, "caption") and "20 mm/mV" in label(figure, "caption")


def test_width_shrinks_both_axes_alike():
    figure = draw(ecg(1), width=90)
    assert figure.get_figwidth() * 25.4 == pytest.approx(90)
    full = draw(ecg(1)).get_figwidth() * 25.4
    x, y = on_paper(figure, line(figure, "trace-II"))
    assert x[RATE] - x[0] == pytest.approx(25 * 90 / full)
    assert np.ptp(y) == pytest.approx(10 * np.ptp(ecg(1)) * 90 / full)


def test_the_grid_has_a_line_a_millimetre_and_baselines_lie_on_it():
    figure = draw(ecg())
    fine, coarse = (
        np.array([item[0] for group in figure.axes[0].collections if group.get_gid() == gid
                  for item in group.get_segments() if item[0][0] == item[1][0]])[:, 0]
        for gid in ("grid-fine", "grid-coarse")
    )  # fmt: skip
    np.testing.assert_allclose(np.diff(fine), 1)
    np.testing.assert_allclose(np.diff(coarse), 5)
    traces = lines(figure, "trace")
    assert np.isclose(traces["I"].get_xdata()[0], coarse).any()


def test_every_row_has_a_pulse_of_one_millivolt_and_200_ms():
    figure = draw(ecg())
    pulses = lines(figure, "calibration")
    assert len(pulses) == 4
    for pulse in pulses.values():
        x, y = on_paper(figure, pulse)
        assert np.ptp(y) == pytest.approx(10)
        assert np.ptp(x[y > y.min() + 1]) == pytest.approx(5)


@pytest.mark.parametrize(
    ("number", "rows", "columns", "rhythm"),
    [(1, 1, 1, None), (2, 2, 1, None), (3, 3, 1, None), (8, 4, 2, "II"), (12, 3, 4, "II"), (15, 3, 5, "II")],
)
def test_layout(number, rows, columns, rhythm):
    figure = draw(ecg(number))
    traces = lines(figure, "trace")
    assert tuple(traces) == NAMES[number]
    starts = {round(float(item.get_xdata()[0])) for item in traces.values()}
    assert len(starts) == columns
    assert len(lines(figure, "calibration")) == rows + (rhythm is not None)
    assert list(lines(figure, "rhythm")) == ([] if rhythm is None else [rhythm])
    seconds = 10 / columns
    for item in traces.values():
        assert np.ptp(item.get_xdata()) == pytest.approx(25 * seconds, abs=25 / RATE + 1e-6)
    for lead in NAMES[number]:
        assert label(figure, f"label-{lead}") == lead


def test_time_runs_on_from_column_to_column():
    signals = np.tile(np.linspace(-1, 1, 10 * RATE), (12, 1))
    figure = draw(signals)
    # a ramp is the same line in every strip, so that the strip shows its own time
    rhythm = lines(figure, "rhythm")["II"]
    for lead, item in lines(figure, "trace").items():
        at = np.searchsorted(rhythm.get_xdata(), item.get_xdata()[0] - 1e-6)
        steps = item.get_ydata() - item.get_ydata()[0]
        wanted = rhythm.get_ydata()[at : at + len(steps)] - rhythm.get_ydata()[at]
        np.testing.assert_allclose(steps, wanted, atol=1e-6, err_msg=lead)


def test_nothing_leaves_its_row():
    signals = ecg() * np.linspace(0.3, 4, 12)[:, None]
    signals[5] *= -1
    figure = draw(signals)
    _, height = figure.axes[0].get_ylim()
    spans = [
        (item.get_ydata().min(), item.get_ydata().max(), start)
        for lead, item in lines(figure, "trace").items()
        for start in [NAMES[12].index(lead) % 3]
    ]
    for upper, lower in ((0, 1), (1, 2)):
        assert min(s[0] for s in spans if s[2] == upper) > max(s[1] for s in spans if s[2] == lower)
    assert min(s[0] for s in spans) > 0 and max(s[1] for s in spans) < height


def test_missing_samples_are_gaps():
    signals = ecg(1)
    signals[0, 200:300] = np.nan
    figure = draw(signals)
    drawn = line(figure, "trace-II").get_ydata()
    np.testing.assert_array_equal(np.isnan(drawn), np.isnan(signals[0]))
    assert label(figure, "label-II") == "II (10 % missing)"


def test_an_absent_lead_is_called_absent():
    signals = ecg()
    signals[4] = np.nan
    figure = draw(signals)
    assert "aVL" not in lines(figure, "trace") and label(figure, "label-aVL") == "aVL absent"
    figure = draw(ecg(2), show=["V5", "aVR"])
    assert list(lines(figure, "trace")) == ["V5"] and label(figure, "label-aVR") == "aVR absent"


def test_an_offset_moves_no_trace_and_an_artefact_is_cut_with_a_word():
    plain, moved = draw(ecg(1)), draw(ecg(1) + 3.0)
    np.testing.assert_allclose(line(plain, "trace-II").get_ydata(), line(moved, "trace-II").get_ydata(), atol=1e-9)
    signals = ecg(3)
    signals[0, 500] = 40.0
    figure = draw(signals)
    assert label(figure, "label-I") == "I (cut at ±6 mV)"
    assert figure.get_figheight() * 25.4 < 200


def test_a_window_is_what_was_asked_for():
    signals = ecg(1, 30)
    signals[0, :1200] *= 2
    figure = draw(signals, start=12, seconds=4)
    item = line(figure, "trace-II")
    assert len(item.get_xdata()) == 4 * RATE + 1
    assert np.nanmax(item.get_ydata()) - np.median(item.get_ydata()) < 12
    assert "12 to 16 s of 30 s" in label(figure, "caption")


def test_rows_records_and_arrays_give_the_same_traces():
    counts = np.round(ecg(2) * 1000).astype(np.int16)
    record = Record("made", counts, np.full(2, 1000.0), np.zeros(2), NAMES[2], RATE)
    row = {
        "record_id": "a$b_c$", "signal": counts.ravel(), "num_samples": counts.shape[1], "sampling_rate": RATE,
        "leads": list(NAMES[2]), "gain": [1000.0] * 2, "baseline": [0] * 2,
    }  # fmt: skip
    figures = [plot_ecg(record), plot_ecg(row), draw(counts / 1000.0)]
    traces = [line(figure, "trace-V5").get_ydata() for figure in figures]
    np.testing.assert_allclose(traces[0], traces[1])
    np.testing.assert_allclose(traces[0], traces[2])
    assert label(figures[0], "title") == "made" and label(figures[1], "title") == "a$b_c$"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 10}, "start is 10 s, wanted 0 or more and less than its 10 s"),
        ({"seconds": 11}, "seconds is 11, wanted more than 0 and up to 10"),
        ({"show": ["V9"]}, "none of the leads .'V9'. has samples; the record has"),
        ({"show": ["Q"]}, "unknown lead 'Q'"),
        ({"columns": 13}, "columns is 13, wanted a whole number from 1 to 12"),
        ({"rhythm": "V9"}, "rhythm lead V9 has no samples"),
        ({"gain": 0}, "gain is 0, wanted a positive number"),
        ({"width": -1}, "width is -1, wanted a positive number"),
    ],
)
def test_ecg_errors(options, message):
    with pytest.raises(ValueError, match=message):
        draw(ecg(), **options)


def test_unfit_signals_are_refused():
    with pytest.raises(ValueError, match="sampling_rate"):
        plot_ecg(ecg(), leads=STANDARD_LEADS, units="mV")
    with pytest.raises(ValueError, match="ECG paper has millivolts"):
        plot_ecg(ecg(), RATE, STANDARD_LEADS, "normalized")
    with pytest.raises(ValueError, match="2 records, wanted one"):
        plot_ecg(np.stack([ecg(), ecg()]), RATE, STANDARD_LEADS, "mV")
    with pytest.raises(ValueError, match="wanted at most 60 in one figure"):
        draw(ecg(1, 70), seconds=65)


def test_png_and_svg_are_written_and_alike_every_time(tmp_path):
    figure = draw(ecg(1, 2))
    png = save_figure(figure, tmp_path / "a.png").read_bytes()
    assert png.startswith(b"\x89PNG")
    width = int.from_bytes(png[16:20], "big")
    assert width == pytest.approx(figure.get_figwidth() * 254, abs=1)
    svg = save_figure(figure, tmp_path / "a.svg").read_bytes()
    assert b"<svg" in svg and b'id="trace-II"' in svg
    assert save_figure(draw(ecg(1, 2)), tmp_path / "b.svg").read_bytes() == svg


def test_where_figures_cannot_go(tmp_path):
    figure = draw(ecg(1, 2))
    with pytest.raises(ValueError, match="ends in 'jpg', wanted one of png, svg"):
        save_figure(figure, tmp_path / "a.jpg")
    with pytest.raises(FileNotFoundError, match="nowhere is not there"):
        save_figure(figure, tmp_path / "nowhere" / "a.png")


def test_without_matplotlib_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"pip install matplotlib, .*\.\[plot\]"):
        draw(ecg(1))
