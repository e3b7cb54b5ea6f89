"""Heat map of what leads and noise cost a model."""

from collections.abc import Sequence

import numpy as np

from ._figure import new_figure

_CELL_MM, _ROW_MM = 19.0, 8.0


def plot_robustness(tables: Sequence[tuple[str, Sequence[dict]]], *, title: str | None = None):
    """Draw macro AUROC, a row a noise and a column a set of leads; the colour is the change against the reference.

    Args:
        tables: of every task (or model) its name and cells: `noise`, `leads`, and `auroc` with `change`, each with
            `value`; a cell without is grey.
        title: printed above.

    Returns:
        A matplotlib `Figure`, a picture beside the other for the tables.

    Raises:
        ValueError: there is no table, or a table without a cell.
        ImportError: matplotlib is not installed.
    """
    if not tables or not all(cells for _, cells in tables):
        raise ValueError("there is no cell to draw")
    grids = [(name, *_grid(cells)) for name, cells in tables]
    lowest = min(min(0.0, float(np.nanmin(changes))) for _, _, _, _, changes in grids)
    width = sum(len(columns) for _, _, columns, _, _ in grids) * _CELL_MM + 40 * len(grids)
    height = max(len(rows) for _, rows, _, _, _ in grids) * _ROW_MM + 35
    figure = new_figure(width, height, layout="constrained")
    all_axes = figure.subplots(1, len(grids), squeeze=False)[0]
    for axes, (name, rows, columns, values, changes) in zip(all_axes, grids, strict=True):
        axes.set_facecolor("#d9d9d9")
        image = axes.imshow(changes, cmap="viridis", vmin=min(lowest, -0.01), vmax=0.0, aspect="auto")
        axes.set_xticks(range(len(columns)), columns, fontsize=8)
        axes.set_yticks(range(len(rows)), rows, fontsize=8)
        axes.tick_params(length=0)
        axes.set_title(name, fontsize=9, parse_math=False)
        for place, value in np.ndenumerate(values):
            dark = changes[place] < 0.6 * lowest
            text = "-" if np.isnan(value) else f"{value:.3f}"
            axes.text(*place[::-1], text, ha="center", va="center", fontsize=7, color="white" if dark else "black")
    bar = figure.colorbar(image, ax=list(all_axes), fraction=0.05, pad=0.02)
    bar.set_label("change of macro AUROC", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    if title:
        figure.suptitle(title, fontsize=10, parse_math=False)
    return figure


def _grid(cells: Sequence[dict]) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Names of rows and columns, values and changes, NaN where there is none; the reference has a change of zero."""
    rows, columns = (list(dict.fromkeys(cell[axis] for cell in cells)) for axis in ("noise", "leads"))
    values, changes = np.full((2, len(rows), len(columns)), np.nan)
    for cell in cells:
        place = rows.index(cell["noise"]), columns.index(cell["leads"])
        if "auroc" in cell and cell["auroc"]["value"] is not None:
            values[place] = cell["auroc"]["value"]
            changes[place] = cell["change"]["value"] if "change" in cell else 0.0
    return rows, columns, values, changes
