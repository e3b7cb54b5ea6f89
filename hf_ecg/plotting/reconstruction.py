"""Reconstructed leads over the measured ones."""

import numpy as np

from ..signals.record import Record
from ._figure import marked, new_figure
from .ecg import INK, MADE

SECONDS = 4.0


def plot_reconstruction(completed: Record, measured: Record, start: float = 1.0, seconds: float = SECONDS):
    """Draw every lead that a model made, over what was measured, with its error and correlation.

    Each trace is drawn less its own median, and the figures are of the whole record that way: the model's filters take
    the offset away.

    Args:
        completed: what the pipeline "ecg-lead-reconstruction" gives.
        measured: the same record with all leads, at the same rate.
        start, seconds: the window that is drawn.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: nothing is reconstructed, or the two records differ in rate or length.
        ImportError: matplotlib is not installed.
    """
    leads = [lead for lead in completed.reconstructed if lead in measured.leads]
    if not leads:
        raise ValueError(f"{completed.name}: no reconstructed lead was measured too: nothing to compare")
    shapes = [(record.sampling_rate, record.num_samples) for record in (completed, measured)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"rate and samples are {shapes[0]} of the one and {shapes[1]} of the other record")
    columns = 2 if len(leads) > 1 else 1
    rows = -(-len(leads) // columns)
    figure = new_figure(240, 38 * rows + 14)
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    rate = completed.sampling_rate
    window = slice(round(start * rate), round((start + seconds) * rate) + 1)
    for number, axes in enumerate(grid.T.ravel()):
        if number >= len(leads):
            axes.set_axis_off()
            continue
        lead = leads[number]
        made, true = (_lead(record, lead) for record in (completed, measured))
        time = np.arange(len(true))[window] / rate
        axes.plot(time, true[window], color=INK, linewidth=0.9, label="measured")
        axes.plot(time, made[window], color=MADE, linewidth=0.9, label="reconstructed")
        known = np.isfinite(made) & np.isfinite(true)
        error = 1000 * np.sqrt(np.mean((made - true)[known] ** 2))
        with np.errstate(invalid="ignore"):
            r = np.corrcoef(made[known], true[known])[0, 1]
        axes.set_title(f"{lead}: r {r:.2f}, error {error:.0f} uV", fontsize=8, loc="left")
        axes.tick_params(labelsize=7)
        axes.grid(color="0.9", linewidth=0.5)
        axes.set_ylabel("mV", fontsize=7)
    for axes in grid[-1]:
        axes.set_xlabel("s", fontsize=7)
    grid[0, 0].legend(fontsize=7, loc="upper right")
    # the first remark names the measured leads
    told = "; ".join([*completed.comments[:1], "blue leads are estimates, not measurements"])
    title = f"{completed.name}: {told}"
    figure.suptitle(marked(title, measured.is_simulated), fontsize=9)
    figure.tight_layout()
    return figure


def _lead(record: Record, lead: str) -> np.ndarray:
    values = record.to_millivolts()[record.leads.index(lead)]
    return values - np.nanmedian(values)
