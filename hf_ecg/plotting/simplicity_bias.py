"""Picture of a report of simplicity bias: probes at equal positives, gradients by band, what is left without a cue."""

from collections.abc import Mapping, Sequence

from ._figure import new_figure

_COLOURS = ("#3b6ea5", "#b0b0b0", "#c8553d")
_SETS = ("easy", "subtle")


def plot_simplicity_bias(report: Mapping, *, title: str | None = None):
    """Draw the three parts of a report beside each other, a colour a system.

    Args:
        report: of `hf-ecg evaluate simplicity-bias`.
        title: printed above.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: another kind of report.
        ImportError: matplotlib is not installed.
    """
    if not {"probes", "gradients", "cues"} <= set(report):
        raise ValueError(f"a report called {report.get('title')!r} was given, wanted one of simplicity bias")
    figure = new_figure(300, 150, layout="constrained")
    axes = figure.subplots(2, 3)
    systems = list(report["probes"]["systems"])
    for row, name in enumerate(_SETS):
        words = f"{name} ({report['sets'][name]})"
        probes = [[report["probes"]["systems"][system][name]] for system in systems]
        _bars(axes[row, 0], systems, [""], probes, f"{words}: AUROC at {report['probes']['positives']} positives")
        entries = report["gradients"]["systems"]
        bands = max((entries[system]["bands"] for system in systems), key=len)
        shares = [entries[system][name] for system in systems]
        _bars(axes[row, 1], systems, bands, shares, f"{words}: share of gradient energy", lowest=0.0)
        cues = report["cues"]["systems"]
        conditions = list(cues[systems[0]][name])
        aurocs = [[cues[system][name][cue]["auroc"] for cue in conditions] for system in systems]
        _bars(axes[row, 2], systems, conditions, aurocs, f"{words}: AUROC by what is kept")
    axes[0, 0].legend(fontsize=7, loc="lower right")
    if title:
        figure.suptitle(title, fontsize=10, parse_math=False)
    return figure


def _bars(axes, systems: Sequence[str], groups: Sequence[str], values, title: str, lowest: float = 0.4) -> None:
    """Groups of bars with their intervals; values are intervals by system and group."""
    width = 0.8 / len(systems)
    lows = [one["low"] for intervals in values for one in intervals if one["low"] is not None]
    lowest = min([lowest, *lows])
    for number, (system, intervals) in enumerate(zip(systems, values, strict=True)):
        for place, interval in enumerate(intervals):
            if interval["value"] is None:
                continue
            value, middle = interval["value"], place + (number - (len(systems) - 1) / 2) * width
            label = system if place == 0 else None
            colour = _COLOURS[number % len(_COLOURS)]
            axes.bar(middle, value - lowest, width, bottom=lowest, color=colour, label=label)
            ends = [[max(0.0, value - interval["low"])], [max(0.0, interval["high"] - value)]]
            axes.errorbar(middle, value, ends, color="black", linewidth=0.8, capsize=2)
    axes.set_xticks(range(len(groups)), groups, fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_ylim(bottom=lowest)
    axes.set_title(title, fontsize=8, parse_math=False)
