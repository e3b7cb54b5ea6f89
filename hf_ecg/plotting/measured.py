"""An ECG on paper with what was measured: P, QRS and T in colours where each lead shows them, the numbers below."""

import textwrap

from ..signals.measuring import GOOD, ECGMeasurements, measure
from ..signals.record import Record
from ._figure import new_figure
from .answers import GAP_MM, LINE_MM, NOTE_LETTERS, PALE, WIDTH_MM, write_text
from .ecg import ecg_sheet

P_COLOR, QRS_COLOR, T_COLOR = "#1a7f37", "#c01818", "#1f5fa8"
_WAVES = {"p": P_COLOR, "qrs": QRS_COLOR, "t": T_COLOR}
_NAMES = {
    "heart_rate": "rate",
    "pr_ms": "PR",
    "qrs_ms": "QRS",
    "qt_ms": "QT",
    "qtc_fridericia_ms": "QTc (Fridericia)",
    "qtc_bazett_ms": "QTc (Bazett)",
    "p_axis": "axis P",
    "qrs_axis": "QRS",
    "t_axis": "T",
    "sokolow_lyon_mv": "Sokolow-Lyon",
    "cornell_mv": "Cornell",
}


def plot_measured(record: Record, found: ECGMeasurements | None = None, *, title: str | None = None, **paper):
    """Draw a record with its measurements: P green, QRS red, T blue, in each lead by its own boundaries.

    Below stand rate, intervals, axes and voltages; a question mark follows what is doubtful.

    Args:
        record: see `hf_ecg.read`.
        found: its measurements; default: `hf_ecg.measure(record)`.
        title: printed above; default the record's name.
        paper: further options of `plot_ecg`, such as `show`, `start`, `seconds`.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: what `plot_ecg` and `hf_ecg.measure` refuse.
        ImportError: matplotlib is not installed.

    Example:
        >>> import hf_ecg
        >>> from hf_ecg.plotting import plot_measured
        >>> plot_measured(hf_ecg.read("record.hea")).savefig("measured.png")
    """
    found = measure(record) if found is None else found
    sheet = ecg_sheet(record, **{"width": WIDTH_MM} | paper)
    told = [line for text in _told(found) for line in textwrap.wrap(text, NOTE_LETTERS)]
    width, sheet_mm = sheet.width * sheet.scale, sheet.height * sheet.scale
    below_mm = LINE_MM * 0.8 * len(told) + 2 * GAP_MM
    height = sheet_mm + below_mm
    figure = new_figure(width, height)
    axes = figure.add_axes((0, below_mm / height, 1, sheet_mm / height))
    sheet.draw(axes, sheet.window.name if title is None else title)
    for trace in sheet.traces:
        if not trace.absent:
            _colour(axes, sheet, trace, found)
    below = figure.add_axes((0, 0, 1, below_mm / height))
    below.set_axis_off()
    below.set_xlim(0, width)
    below.set_ylim(0, below_mm)
    for place, line in enumerate(reversed(told)):
        write_text(below, GAP_MM, GAP_MM + LINE_MM * 0.8 * place, line, color=PALE, size=0.85)
    return figure


def _colour(axes, sheet, trace, found: ECGMeasurements) -> None:
    """The waves of one strip, drawn again in their colours."""
    strip, beats = trace.strip, found.beats
    places = beats.per_lead.get(strip.lead, beats.places)
    left, baseline = sheet.left + strip.start * sheet.speed, sheet.baselines[strip.row]
    seconds = sheet.window.start + strip.start + trace.x / sheet.speed
    line = 0.45 * sheet.scale * 72 / 25.4
    for wave, color in _WAVES.items():
        for first, last in zip(places[f"{wave}_onset"], places[f"{wave}_end"], strict=True):
            inside = (seconds >= first / beats.sampling_rate) & (seconds <= last / beats.sampling_rate)
            if inside.any():
                x, y = left + trace.x[inside], baseline + trace.y[inside]
                axes.plot(x, y, color=color, linewidth=line, zorder=4, gid=f"{wave}-{strip.lead}", clip_on=False)


def _told(found: ECGMeasurements) -> list[str]:
    parts = []
    for name, word in _NAMES.items():
        one = found.values[name]
        if one.value == one.value:
            number = f"{one.value:.2f}" if one.unit == "mV" else f"{one.value:.0f}"
            unit = {"degrees": "°"}.get(one.unit, f" {one.unit}")
            parts.append(f"{word} {number}{unit}{'' if one.reliability == GOOD else ' ?'}")
    head = f"{len(found.beats)} beats, rhythm {found.rhythm.word}; {', '.join(parts)}"
    doubts = [f"{_NAMES[name]}: {'; '.join(found.values[name].why)}" for name in ("pr_ms", "qrs_ms", "qt_ms")]
    doubts = [text for text in doubts if not text.endswith(": ")]
    return [head, *doubts, *found.notes, "Research use: not a medical device."]
