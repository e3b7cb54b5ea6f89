"""An ECG on paper whose waves are coloured by what a model says of each sample."""

from collections.abc import Iterable, Mapping

import numpy as np

from ..signals.delineation import LabelledSpan
from ._figure import new_figure
from .ecg import ecg_sheet

# P, QRS and T are told apart by lightness too, for eyes that see no red or green
WAVE_COLORS = {"P": "#0b62c4", "QRS": "#c01818", "T": "#1f8a3b"}
OTHER_COLORS = ("#7a3fb0", "#b06a00", "#00808a", "#606060", "#a0307a")
LINE_MM, LETTER_MM = 0.5, 3.0


def plot_delineation(
    signals,
    spans: Iterable[LabelledSpan],
    sampling_rate: float | None = None,
    leads=None,
    units: str | None = None,
    *,
    lead: str,
    colors: Mapping[str, str] | None = None,
    **options,
):
    """Draw a record on ECG paper, with the waves of one lead in colours and their names in the caption.

    Args:
        signals, sampling_rate, leads, units: one record, see `plot_ecg`.
        spans: of the waves, see `labelled_spans`; seconds from the record's first sample.
        lead: the lead that they belong to; its traces are coloured, on its rhythm strip too.
        colors: label -> colour; P is blue, QRS red and T green by default.
        options: of `plot_ecg`, such as `show=["II"]` and `seconds`.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: what `plot_ecg` refuses; a lead that the picture does not show.
        ImportError: matplotlib is not installed.

    Example:
        >>> from hf_ecg.plotting import plot_delineation
        >>> from hf_ecg.signals.delineation import LabelledSpan
        >>> spans = [LabelledSpan("P", 0.1, 0.2), LabelledSpan("QRS", 0.25, 0.35)]
        >>> plot_delineation("record.hea", spans, lead="II", show=["II"]).savefig("waves.png")
    """
    title = options.pop("title", None)
    spans = list(spans)
    sheet = ecg_sheet(signals, sampling_rate, leads, units, **options)
    traces = [trace for trace in sheet.traces if trace.strip.lead == lead and not trace.absent]
    if not traces:
        shown = list(dict.fromkeys(trace.strip.lead for trace in sheet.traces))
        raise ValueError(f"lead is {lead!r}, wanted one of those in the picture: {shown}")
    figure = new_figure(sheet.width * sheet.scale, sheet.height * sheet.scale)
    axes = figure.add_axes((0, 0, 1, 1))
    sheet.draw(axes, sheet.window.name if title is None else title)
    used = _colors([span.label for span in spans], colors or {})
    for trace in traces:
        left, baseline = sheet.left + trace.strip.start * sheet.speed, sheet.baselines[trace.strip.row]
        seconds = trace.x / sheet.speed + sheet.window.start + trace.strip.start
        for label, color in used.items():
            heights = np.where(_inside(seconds, [span for span in spans if span.label == label]), trace.y, np.nan)
            width = sheet.points(LINE_MM)
            axes.plot(
                left + trace.x, baseline + heights, color=color, linewidth=width, zorder=3.5, gid=f"wave-{label}"
            )
    _write_names(axes, sheet, used)
    return figure


def _inside(seconds: np.ndarray, spans: list[LabelledSpan]) -> np.ndarray:
    """Whether each of some rising times is in one of the spans."""
    places = np.zeros(len(seconds) + 1, dtype=int)
    for span in spans:
        first, last = np.searchsorted(seconds, [span.start - 1e-9, span.end - 1e-9])
        places[first] += 1
        places[last] -= 1
    return places[:-1].cumsum() > 0


def _colors(labels: list[str], given: Mapping[str, str]) -> dict[str, str]:
    others = iter(OTHER_COLORS * (1 + len(labels)))
    return {label: (WAVE_COLORS | dict(given)).get(label) or next(others) for label in dict.fromkeys(labels)}


def _write_names(axes, sheet, used: Mapping[str, str]) -> None:
    """In the lower right corner, each in its colour."""
    place = sheet.width - sheet.left
    for label, color in reversed(used.items()):
        place -= LETTER_MM * (len(label) + 1) * 0.75
        axes.text(
            place, 3.5, label, color=color, fontsize=sheet.points(LETTER_MM), va="center", gid=f"name-{label}",
            fontweight="bold", parse_math=False,
        )  # fmt: skip
