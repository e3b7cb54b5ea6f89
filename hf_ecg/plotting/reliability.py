"""Reliability diagram: what a model says beside how often it holds, before and after a calibration."""

from collections.abc import Mapping

from ._figure import new_figure

_COLUMNS, _PANEL_MM, _MOST = 4, 45.0, 16


def plot_reliability(tasks: Mapping[str, Mapping], *, title: str | None = None):
    """Draw a panel for each class: mean probability of ten bins, and the share of positives in each.

    Args:
        tasks: task -> class -> "before" and "after", each a list of bins with `probability`, `share` and `rows`. At
            most 16 classes are drawn, the first ones.
        title: printed above.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: there is no class.
        ImportError: matplotlib is not installed.
    """
    panels = [(task, name, bins) for task, classes in tasks.items() for name, bins in classes.items()][:_MOST]
    if not panels:
        raise ValueError("there is no class to draw")
    columns = min(_COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(columns * _PANEL_MM, rows * _PANEL_MM + 12, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for place, one in enumerate(axes.ravel()):
        if place >= len(panels):
            one.set_axis_off()
            continue
        task, name, bins = panels[place]
        one.plot([0, 1], [0, 1], color="#b0b0b0", linewidth=0.8)
        for when, colour, mark in (("before", "#7a7a7a", "o"), ("after", "#b5362c", "s")):
            values = [[each[key] for each in bins[when]] for key in ("probability", "share")]
            one.plot(*values, color=colour, marker=mark, markersize=2.5, linewidth=0.9, label=when)
        # a classifier of several label sets names them itself
        title_of = name if name.startswith(f"{task}: ") else f"{name} ({task})"
        one.set_title(title_of, fontsize=6, parse_math=False)
        one.set_xlim(-0.02, 1.02)
        one.set_ylim(-0.02, 1.02)
        one.set_aspect("equal")
        one.tick_params(labelsize=6)
    axes[0][0].legend(fontsize=6, frameon=False)
    figure.supxlabel("mean probability", fontsize=8)
    figure.supylabel("share of positives", fontsize=8)
    if title:
        figure.suptitle(title, fontsize=9, parse_math=False)
    return figure
