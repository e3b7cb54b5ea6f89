"""An ECG on standard paper: millimetre grid, 25 mm/s, 10 mm/mV, calibration pulse, lead labels."""

import math
from collections.abc import Sequence

import numpy as np

from ..signals.leads import canonical_leads
from ._figure import MM_PER_INCH, marked, new_figure
from ._layout import Strip, arrange
from ._record import Window, read_window

SPEED_MM_PER_S, GAIN_MM_PER_MV = 25.0, 10.0
PULSE_MV, PULSE_MM = 1.0, 5.0
MARGIN_MM, HEADER_MM, FOOTER_MM, PULSE_ZONE_MM = 5.0, 9.0, 7.0, 10.0
SQUARE_MM = 5.0
# A strip takes the room that its lead needs, up to this many millimetres on either side of its baseline; what goes
# beyond is cut, and the label says so: one artefact must not make a sheet of a metre.
TALLEST_MM = 60.0
LABEL_MM, LETTER_MM = 3.2, 2.4
FINE, COARSE, INK, NOTE = "#f9dcdc", "#efb3b3", "#101010", "#a01818"
# of a lead that nobody measured
MADE = "#1746b3"
RHYTHM_LEADS = ("II", "MLII", "V1")


def plot_ecg(
    signals,
    sampling_rate: float | None = None,
    leads: Sequence[str] | None = None,
    units: str | None = None,
    *,
    show: Sequence[str] | None = None,
    start: float = 0.0,
    seconds: float | None = None,
    columns: int | None = None,
    rhythm: str | None = "auto",
    title: str | None = None,
    speed: float = SPEED_MM_PER_S,
    gain: float = GAIN_MM_PER_MV,
    width: float | None = None,
):
    """Draw one record on standard ECG paper.

    Twelve leads are printed as 3x4 with a rhythm strip below: time runs on from column to column, so that ten seconds
    give 2.5 s a lead. Up to six leads get a row each, seven to eleven two columns, more than twelve three rows. Every
    trace stands on its own baseline, the median of its window: an offset of the electrode does not move it. Missing
    samples are gaps; a lead without a sample is named and called absent. Leads that a model made (see
    `Record.reconstructed`) are blue, and their labels say so.

    Args:
        signals: one record: an array `(leads, samples)`, a WFDB path, a `Record`, or a row of a corpus.
        sampling_rate: hertz; required for arrays, as `leads` (names) and `units` ("mV", "uV", "V").
        show: the leads to draw, in this order; default all of the record's. Those it lacks are called absent.
        start: seconds from the record's beginning.
        seconds: length of the window; default 10 or what the record has, at most 60.
        columns: columns of strips; default as above.
        rhythm: lead of the rhythm strip, or None for none; "auto" takes II, MLII, V1, or the first there is. Drawn
            when there are two columns or more.
        title: printed above; default the record's name.
        speed: millimetres per second.
        gain: millimetres per millivolt.
        width: width of the figure in millimetres; default true size, where a second is 25 mm long when printed.

    Returns:
        A matplotlib `Figure` with one axes, whose unit is the millimetre of the paper on both axes.

    Raises:
        ValueError: what `ECGFeatureExtractor` refuses too (no rate, unknown leads, impossible amplitudes ...), several
            records, a window that leaves the record, none of the leads to show.
        OSError: a file that is not there.
        ImportError: matplotlib is not installed.

    Example:
        >>> from hf_ecg.plotting import plot_ecg
        >>> figure = plot_ecg("record.hea", seconds=10)
        >>> figure.savefig("ecg.png")
    """
    options = {"show": show, "start": start, "seconds": seconds, "columns": columns, "rhythm": rhythm}
    sheet = ecg_sheet(signals, sampling_rate, leads, units, **options, speed=speed, gain=gain, width=width)
    figure = new_figure(sheet.width * sheet.scale, sheet.height * sheet.scale)
    sheet.draw(figure.add_axes((0, 0, 1, 1)), sheet.window.name if title is None else title)
    return figure


def ecg_sheet(
    signals,
    sampling_rate=None,
    leads=None,
    units=None,
    *,
    show=None,
    start=0.0,
    seconds=None,
    columns=None,
    rhythm="auto",
    speed=SPEED_MM_PER_S,
    gain=GAIN_MM_PER_MV,
    width=None,
) -> "_Sheet":
    """The sheet that `plot_ecg` draws, for figures of several; it takes the same and raises the same."""
    for key, value in (("speed", speed), ("gain", gain), ("width", 1.0 if width is None else width)):
        if isinstance(value, bool) or not (math.isfinite(value) and value > 0):
            raise ValueError(f"{key} is {value}, wanted a positive number of millimetres")
    window = read_window(signals, sampling_rate, leads, units, start, seconds)
    shown = window.leads if show is None else canonical_leads([show] if isinstance(show, str) else show)
    if not any(lead in window.signals for lead in shown):
        raise ValueError(f"none of the leads {list(shown)} has samples; the record has {list(window.signals)}")
    strips = arrange(shown, window.seconds, columns, _rhythm_lead(rhythm, window))
    return _Sheet(window, strips, speed, gain, width)


def _rhythm_lead(rhythm: str | None, window: Window) -> str | None:
    present = window.signals
    if rhythm is None:
        return None
    if rhythm == "auto":
        return next((lead for lead in RHYTHM_LEADS if lead in present), next(iter(present)))
    (lead,) = canonical_leads([rhythm])
    if lead not in present:
        raise ValueError(f"the rhythm lead {lead} has no samples; the record has {list(present)}")
    return lead


class _Trace:
    """A strip in millimetres: x from its left end, y from its baseline, NaN where missing; and what its label says."""

    def __init__(self, strip: Strip, window: Window, speed: float, gain: float):
        self.strip, self.absent, self.label = strip, strip.lead not in window.signals, strip.lead
        self.x = self.y = np.zeros(0)
        if self.absent:
            self.label = f"{strip.lead} absent"
        else:
            self._place(window.signals[strip.lead], window, speed, gain)
        self.color = INK
        if strip.lead in window.reconstructed:
            self.label, self.color = f"{self.label} reconstructed", MADE
        self.label_mm = 2.5 + LETTER_MM * len(self.label)
        near = self.y[self.x <= self.label_mm]
        near = near[np.isfinite(near)]
        # above whatever the trace does below it, and clear of the baseline
        self.label_y = max(3.0, float(near.max(initial=0.0)) + 1.5)

    def _place(self, values: np.ndarray, window: Window, speed: float, gain: float) -> None:
        strip, finite = self.strip, values[np.isfinite(values)]
        times = (window.first + np.arange(len(values))) / window.sampling_rate - window.start - strip.start
        inside = (times > -1e-9) & (times < strip.seconds + 1e-9)
        baseline = float(np.median(finite)) if finite.size else 0.0
        self.x, heights = times[inside] * speed, (values[inside] - baseline) * gain
        self.y = np.clip(heights, -TALLEST_MM, TALLEST_MM)
        missing = np.isnan(heights).mean() if heights.size else 1.0
        if missing == 1:
            self.label = f"{strip.lead}: no samples here"
        elif missing:
            self.label = f"{strip.lead} ({_percent(missing)} missing)"
        if (np.abs(heights) > TALLEST_MM).any():
            self.label += f" (cut at ±{TALLEST_MM / gain:g} mV)"

    @property
    def room(self) -> tuple[float, float]:
        """Millimetres needed above and below the baseline."""
        finite = self.y[np.isfinite(self.y)]
        above = max(float(finite.max(initial=0.0)) + 1.0, self.label_y + LABEL_MM)
        return above, 1.0 - float(finite.min(initial=0.0))


class _Sheet:
    """The geometry of the paper, in millimetres from its lower left corner, and the drawing on it."""

    def __init__(self, window: Window, strips: list[Strip], speed: float, gain: float, width: float | None):
        self.window, self.speed, self.gain = window, speed, gain
        self.traces = [_Trace(strip, window, speed, gain) for strip in strips]
        self.left = MARGIN_MM + PULSE_ZONE_MM
        self.grid_width = _whole_squares(PULSE_ZONE_MM + window.seconds * speed)
        above, below = self._rooms()
        self.grid_height = sum(above) + sum(below)
        self.width = self.grid_width + 2 * MARGIN_MM
        self.height = self.grid_height + HEADER_MM + FOOTER_MM
        self.scale = 1.0 if width is None else width / self.width
        tops = FOOTER_MM + self.grid_height - np.cumsum([0.0] + [a + b for a, b in zip(above, below, strict=True)])
        self.baselines = [top - room for top, room in zip(tops[:-1], above, strict=True)]

    def _rooms(self) -> tuple[list[float], list[float]]:
        """Whole squares above and below the baseline of each row, so that every baseline lies on a line."""
        above, below = [], []
        for row in range(1 + max(trace.strip.row for trace in self.traces)):
            rooms = [trace.room for trace in self.traces if trace.strip.row == row]
            above.append(_whole_squares(max(PULSE_MV * self.gain, *(room[0] for room in rooms))))
            below.append(_whole_squares(max(SQUARE_MM, *(room[1] for room in rooms))))
        return above, below

    def draw(self, axes, title: str | None) -> None:
        """On axes of the sheet's own shape."""
        axes.set_xlim(0, self.width)
        axes.set_ylim(0, self.height)
        axes.set_axis_off()
        self._draw_grid(axes)
        for row, baseline in enumerate(self.baselines):
            self._draw_pulse(axes, row, baseline)
        for trace in self.traces:
            self._draw_trace(axes, trace)
        title = marked(title, self.window.simulated)
        if title:
            self._text(axes, MARGIN_MM, self.height - HEADER_MM / 2, title, 3.8, va="center", gid="title")
        self._text(axes, MARGIN_MM, FOOTER_MM / 2, self._caption(), 2.8, va="center", gid="caption")

    def _draw_grid(self, axes) -> None:
        from matplotlib.collections import LineCollection

        left, right = MARGIN_MM, MARGIN_MM + self.grid_width
        bottom, top = FOOTER_MM, FOOTER_MM + self.grid_height
        for name, step, color, line in (("fine", 1.0, FINE, 0.1), ("coarse", SQUARE_MM, COARSE, 0.2)):
            columns = np.arange(round(self.grid_width / step) + 1) * step + left
            rows = np.arange(round(self.grid_height / step) + 1) * step + bottom
            lines = [((x, bottom), (x, top)) for x in columns] + [((left, y), (right, y)) for y in rows]
            axes.add_collection(
                LineCollection(lines, colors=color, linewidths=self.points(line), zorder=1, gid=f"grid-{name}"),
                autolim=False,
            )

    def _draw_pulse(self, axes, row: int, baseline: float) -> None:
        start = MARGIN_MM + (PULSE_ZONE_MM - PULSE_MM) / 2
        x = np.array([start - 1.5, start, start, start + PULSE_MM, start + PULSE_MM, start + PULSE_MM + 1.5])
        y = baseline + np.array([0, 0, 1, 1, 0, 0]) * PULSE_MV * self.gain
        self._line(axes, x, y, f"calibration-{row}")

    def _draw_trace(self, axes, trace: _Trace) -> None:
        strip = trace.strip
        left, baseline = self.left + strip.start * self.speed, self.baselines[strip.row]
        kind = "rhythm" if strip.rhythm else "trace"
        if not trace.absent:
            self._line(axes, left + trace.x, baseline + trace.y, f"{kind}-{strip.lead}", trace.color)
        if strip.start > 0:
            # where one lead ends and the next begins
            self._line(axes, np.array([left, left]), baseline + np.array([-2.5, 2.5]), f"boundary-{strip.lead}")
        color = INK if trace.label == strip.lead else NOTE if trace.color == INK else trace.color
        x, y = left + 1.0, baseline + trace.label_y
        self._text(axes, x, y, trace.label, LABEL_MM, va="bottom", color=color, gid=f"label-{strip.lead}")

    def _line(self, axes, x: np.ndarray, y: np.ndarray, gid: str, color: str = INK) -> None:
        width = self.points(0.28)
        axes.plot(x, y, color=color, linewidth=width, solid_joinstyle="round", zorder=3, gid=gid, clip_on=False)

    def _text(self, axes, x: float, y: float, text: str, size_mm: float, **options) -> None:
        # a name may hold a dollar sign, which would start a formula
        options = {"fontsize": self.points(size_mm), "color": INK, "parse_math": False, "zorder": 4} | options
        axes.text(x, y, text, **options)

    def points(self, millimetres: float) -> float:
        """Of the paper, as matplotlib measures lines and letters."""
        return millimetres * self.scale * 72 / MM_PER_INCH

    def _caption(self) -> str:
        window = self.window
        end = window.start + window.seconds
        parts = [
            f"{self.speed:g} mm/s",
            f"{self.gain:g} mm/mV",
            f"{window.sampling_rate:g} Hz",
            f"{window.start:g} to {round(end, 3):g} s of {round(window.duration, 3):g} s",
        ]
        return "    ".join(parts)


def _whole_squares(millimetres: float) -> float:
    return math.ceil(millimetres / SQUARE_MM - 1e-9) * SQUARE_MM


def _percent(share: float) -> str:
    return "under 1 %" if share < 0.01 else f"{min(share * 100, 99):.0f} %"
