"""A day in pictures: the scores of a detector of AF over time, and what experts annotated beneath."""

from collections.abc import Sequence

import numpy as np

from ._figure import new_figure

_AF, _NOT, _UNKNOWN = "#c0392b", "#7f8c8d", "#f5b041"


def plot_af_burden(
    starts: Sequence[float],
    seconds: Sequence[float],
    scores: Sequence[float],
    threshold: float,
    true_shares: Sequence[float] | None = None,
    *,
    title: str | None = None,
):
    """Draw the score of each window over time, the answers as a band, and the annotated share of AF beneath.

    Args:
        starts, seconds: of the windows.
        scores: of the windows, NaN where not judged: those are yellow in the band, neither AF nor not.
        threshold: from which on a window is AF.
        true_shares: of each window, NaN where not annotated; None without annotations.
        title: printed above.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: no windows, or lists of different lengths.
        ImportError: matplotlib is not installed.
    """
    values = [np.asarray(starts, float), np.asarray(seconds, float), np.asarray(scores, float)]
    if true_shares is not None:
        values.append(np.asarray(true_shares, float))
    if not len(values[0]) or len({len(each) for each in values}) > 1:
        raise ValueError(f"windows, seconds, scores and shares have {[len(each) for each in values]} entries")
    start, length, score = values[:3]
    hours = float(start[-1] + length[-1]) > 3 * 3600
    unit = 3600 if hours else 60
    bands = 1 if true_shares is None else 2
    figure = new_figure(240, 70 + 12 * bands, layout="constrained")
    axes = figure.subplots(1 + bands, 1, sharex=True, height_ratios=[6, *[0.8] * bands])
    known = np.isfinite(score)
    middle = (start + length / 2) / unit
    axes[0].plot(middle[known], score[known], ".", color="0.25", markersize=2)
    axes[0].axhline(threshold, color=_AF, linewidth=0.8)
    axes[0].set_ylim(-0.02, 1.02)
    axes[0].set_ylabel("score for AF", fontsize=8)
    states = np.where(known, np.where(score >= threshold, _AF, _NOT), _UNKNOWN)
    _band(axes[1], start / unit, length / unit, states, "answer")
    if true_shares is not None:
        shares = values[3]
        axes[2].set_ylim(0, 1)
        axes[2].bar(start / unit, np.nan_to_num(shares), length / unit, align="edge", color=_AF)
        absent = ~np.isfinite(shares)
        axes[2].bar(start[absent] / unit, 1, length[absent] / unit, align="edge", color=_UNKNOWN)
        _label(axes[2], "annotated")
    axes[-1].set_xlabel(f"{'hours' if hours else 'minutes'}; red AF, grey not AF, yellow not known", fontsize=8)
    for one in axes:
        one.tick_params(labelsize=7)
    axes[-1].set_xlim(0, (start[-1] + length[-1]) / unit)
    if title:
        figure.suptitle(title, fontsize=9, parse_math=False)
    return figure


def _band(axes, start: np.ndarray, length: np.ndarray, colors: np.ndarray, name: str) -> None:
    for color in (_NOT, _UNKNOWN, _AF):
        some = colors == color
        axes.broken_barh(list(zip(start[some], length[some], strict=True)), (0, 1), facecolors=color)
    axes.set_ylim(0, 1)
    _label(axes, name)


def _label(axes, name: str) -> None:
    axes.set_yticks([])
    axes.set_ylabel(name, fontsize=8, rotation=0, ha="right", va="center")
