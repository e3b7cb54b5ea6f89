"""What settings give for what they cost."""

from collections.abc import Mapping, Sequence

from ._figure import new_figure

_COSTS = {"parameters": "parameters", "records_per_second": "records a second"}


def plot_sweep(arms: Sequence[Mapping], metric: str, *, title: str | None = None):
    """Draw a metric over the number of parameters, and over the speed of training.

    Args:
        arms: `name`, `parameters`, `records_per_second`, `value`, and `low` and `high` of its interval (None where
            there is none), of each setting.
        metric: its name.
        title: printed above.

    Returns:
        A matplotlib `Figure` of two axes that share the metric.

    Raises:
        ValueError: there is no setting.
        ImportError: matplotlib is not installed.
    """
    if not arms:
        raise ValueError("there is no setting to draw")
    figure = new_figure(240, 60 + 8 * len(arms), layout="constrained")
    for axes, (key, words) in zip(figure.subplots(1, 2, sharey=True), _COSTS.items(), strict=True):
        for number, arm in enumerate(arms):
            value = arm["value"]
            if value is None:
                continue
            low, high = (value if arm[side] is None else arm[side] for side in ("low", "high"))
            bar = {"yerr": [[value - low], [high - value]], "elinewidth": 0.8, "capsize": 2}
            axes.errorbar([arm[key]], [value], **bar, fmt="o", color=f"C{number % 10}", label=arm["name"])
        axes.set_xscale("log")
        axes.set_xlabel(words, fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(color="#e6e6e6", linewidth=0.6)
        axes.set_axisbelow(True)
    figure.axes[0].set_ylabel(metric, fontsize=8)
    legend = figure.legend(
        *figure.axes[0].get_legend_handles_labels(), loc="outside lower center", fontsize=8, ncols=2
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    if title:
        figure.suptitle(title, fontsize=11, parse_math=False)
    return figure
