"""An ECG on paper, coloured by which of its parts speak for an answer."""

import textwrap
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import uniform_filter1d

from ._figure import new_figure
from .answers import GAP_MM, LINE_MM, NOTE_LETTERS, PALE, WIDTH_MM, write_text
from .ecg import ecg_sheet

if TYPE_CHECKING:
    from ..explanation import Explanation

# Under the trace, so that the curve itself stays black on its paper.
BAND_MM = 2.6
FOR, AGAINST = (0.80, 0.10, 0.08), (0.08, 0.28, 0.75)
# Shorter than a wave: single samples flicker, and sums over less than this say nothing.
SMOOTHING_S = 0.04
# The strongest colours go to this share of the samples; a single one must not make all others pale.
STRONGEST = 0.995
BARS_MM = 16.0


def plot_explanation(found: "Explanation", *, title: str | None = None, note: str | None = None):
    """Draw a record on ECG paper: red lies under what speaks for the class or text, blue under what speaks against.

    Below stands a bar for each lead, what the numbers are, and `Explanation.remarks`. Colours are scaled to this
    picture: two pictures are compared by their numbers, never by their colours.

    Args:
        found: see `hf_ecg.explain`.
        title: printed above; default the record's name and what was asked.
        note: printed below, such as what the model learned from.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: what `plot_ecg` refuses.
        ImportError: matplotlib is not installed.

    Example:
        >>> import hf_ecg
        >>> from hf_ecg.plotting import plot_explanation
        >>> found = hf_ecg.explain("record.hea", "ecg-text-small", text="atrial fibrillation")
        >>> plot_explanation(found).savefig("why.png")
    """
    sheet = ecg_sheet(found.record, width=WIDTH_MM)
    told = [line for text in _told(found, note) for line in textwrap.wrap(text, NOTE_LETTERS)]
    sheet_mm = sheet.height * sheet.scale
    below_mm = BARS_MM + LINE_MM * 0.8 * len(told) + 2 * GAP_MM
    height = sheet_mm + below_mm
    figure = new_figure(WIDTH_MM, height)
    paper = figure.add_axes((0, below_mm / height, 1, sheet_mm / height))
    if title is None:
        title = ": ".join(filter(None, (sheet.window.name, found.asked or found.method)))
    sheet.draw(paper, title)
    _colour(paper, sheet, found)
    axes = figure.add_axes((0, 0, 1, below_mm / height))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH_MM)
    axes.set_ylim(0, below_mm)
    _draw_bars(axes, found, below_mm)
    for place, line in enumerate(reversed(told)):
        write_text(axes, GAP_MM, GAP_MM + LINE_MM * 0.8 * place, line, color=PALE, size=0.85)
    return figure


def _colour(axes, sheet, found: "Explanation") -> None:
    """A broad band under each trace; its colour and strength follow the smoothed values."""
    from matplotlib.collections import LineCollection

    rate, window = found.record.sampling_rate, sheet.window
    smoothed = uniform_filter1d(found.values, max(1, round(SMOOTHING_S * rate)), axis=1, mode="nearest")
    strongest = float(np.quantile(np.abs(smoothed), STRONGEST)) or 1.0
    times = np.arange(smoothed.shape[1]) / rate
    by_lead = dict(zip(found.leads, smoothed / strongest, strict=True))
    for trace in sheet.traces:
        strip = trace.strip
        if trace.absent or strip.lead not in by_lead:
            continue
        x, y = sheet.left + strip.start * sheet.speed + trace.x, sheet.baselines[strip.row] + trace.y
        values = np.interp(window.start + strip.start + trace.x / sheet.speed, times, by_lead[strip.lead])
        strength = np.clip(np.abs(values), 0, 1)
        colours = np.where(values[:, None] > 0, (*FOR, 1.0), (*AGAINST, 1.0))
        colours[:, 3] = 0.75 * strength
        lines = np.stack([np.stack([x[:-1], y[:-1]], axis=1), np.stack([x[1:], y[1:]], axis=1)], axis=1)
        kept = np.isfinite(lines).all(axis=(1, 2))
        axes.add_collection(
            LineCollection(
                lines[kept],
                colors=colours[:-1][kept],
                linewidths=sheet.points(BAND_MM),
                capstyle="butt",
                zorder=2,
                gid=f"explained-{'rhythm' if strip.rhythm else 'trace'}-{strip.lead}",
            ),
            autolim=False,
        )


def _draw_bars(axes, found: "Explanation", top: float) -> None:
    """What each lead adds, side by side."""
    count = len(found.leads)
    room = (WIDTH_MM - 2 * GAP_MM) / count
    largest = float(np.abs(found.by_lead).max()) or 1.0
    middle = top - BARS_MM / 2
    for place, (lead, value) in enumerate(zip(found.leads, found.by_lead.tolist(), strict=True)):
        x = GAP_MM + room * (place + 0.5)
        height = value / largest * (BARS_MM / 2 - 4.0)
        axes.bar(x, height, bottom=middle, width=min(room * 0.5, 8.0), color=FOR if value > 0 else AGAINST)
        write_text(axes, x, middle + (-3.0 if value > 0 else 3.0), f"{lead} {value:+.2f}", ha="center", size=0.75)
    axes.plot([GAP_MM, WIDTH_MM - GAP_MM], [middle, middle], color=PALE, linewidth=0.4)


def _told(found: "Explanation", note: str | None) -> list[str]:
    words = [f"Bars: what each lead adds, in {found.unit}."]
    if found.score is not None:
        chance = "" if found.probability is None else f" (probability {found.probability:.2g})"
        words[0] += f" Red: for {found.asked}, blue: against. Score {found.score:.2f}{chance}"
        if found.reference is None:
            words[0] += "; occlusion: what it loses without a beat, or without a lead."
        else:
            words[0] += f", of a flat line {found.reference:.2f}; the parts sum to the difference within"
            words[0] += f" {abs(found.gap or 0):.1%}."
    words += [f"{remark[:1].upper()}{remark[1:]}." for remark in found.remarks]
    return [*words, *filter(None, (note,)), "For research. It shows what the model uses, not what causes the disease."]
