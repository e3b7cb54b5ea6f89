"""What the weights of negatives teach, by how far apart they lie."""

from collections.abc import Mapping, Sequence

import numpy as np

from ._figure import new_figure


def plot_risk_spread(gains: Mapping[tuple[float, str], Sequence[tuple[float, float]]]):
    """Draw the gain over InfoNCE by the spread of the weights, a line for each share that the risk explains.

    Args:
        gains: (share, way) -> (spread, gain) of each seed, as `hf_ecg.studies.risk.spread_report.gains` gives them;
            the way "published" is marked, ways of dealt risks are dashed.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ImportError: matplotlib is not installed.
    """
    figure = new_figure(150, 100)
    axes = figure.subplots()
    axes.axhline(0, color="0.7", linewidth=0.8)
    for number, share in enumerate(sorted({share for share, _ in gains})):
        for dealt, style in ((False, "-"), (True, "--")):
            points = sorted(
                (float(np.mean([spread for spread, _ in each])), way, [gain for _, gain in each])
                for (of, way), each in gains.items()
                if of == share and ("dealt" in way) == dealt
            )
            if not points:
                continue
            label = f"risk explains {share:.0%}" + (", dealt" if dealt else "")
            means = [float(np.mean(each)) for _, _, each in points]
            color = f"C{number}"
            axes.plot([x for x, _, _ in points], means, style, color=color, marker="o", markersize=4, label=label)
            for spread, way, each in points:
                axes.plot([spread] * len(each), each, ".", color=color, alpha=0.4, markersize=3)
                if way == "published" and number == 0:
                    axes.axvline(spread, color="0.4", linestyle=":", linewidth=1)
                    axes.annotate("published", (spread, 1), xycoords=("data", "axes fraction"), fontsize=8, va="top")
    axes.set_xscale("log")
    axes.set_xlabel("deviation of the log-weights over that of the logits")
    axes.set_ylabel("gain in explained variance of the log-risk")
    axes.legend(fontsize=8)
    figure.tight_layout()
    return figure
