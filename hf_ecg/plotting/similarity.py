"""Heat map of how alike ECGs and texts are to a dual encoder."""

import textwrap
from collections.abc import Sequence

import numpy as np

from ._figure import new_figure

# Beyond these, numbers and names would lie on one another.
MOST_NUMBERS, MOST_NAMES = 400, 60
# Two lines of a slanted name fit a cell; narrower cells hold one upright line.
MOST_SLANTED, LONGEST_NAME = 20, (56, 90)
LETTERS_AN_INCH = 13
WRAP_AT, CELL_MM, LINE_MM, LETTER_MM = 34, 11.0, 3.4, 1.75


def plot_similarity(
    similarities,
    ecg_labels: Sequence[str] | None = None,
    text_labels: Sequence[str] | None = None,
    *,
    average: bool = False,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
    caption: str | None = None,
    scale_label: str = "cosine similarity",
):
    """Draw similarities, a row an ECG (or a class of ECGs) and a column a text.

    Args:
        similarities: (ecgs, texts), cosines of `ecg_embeds` and `text_embeds`, or probabilities.
        ecg_labels: one name an ECG, such as its class.
        text_labels: one name a text, such as the text.
        average: one row a label, the mean over its ECGs, whose number is added to the name.
        limits: lowest and highest value of the colours; default what is there, symmetric when negative values occur.
        title: printed above.
        caption: printed below, such as how the picture is read.
        scale_label: what the values are.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: not a matrix of finite numbers, or another number of labels than of rows or columns.
        ImportError: matplotlib is not installed.
    """
    values = _matrix(similarities)
    rows = _labels(ecg_labels, values.shape[0], "ecg_labels", "rows")
    columns = _labels(text_labels, values.shape[1], "text_labels", "columns")
    if average:
        if rows is None:
            raise ValueError("average is true, but ecg_labels, which say what belongs together, are not given")
        values, rows = _mean_by_label(values, rows)
    low, high = _limits(values) if limits is None else limits
    if not low < high:
        raise ValueError(f"limits are {low:g} and {high:g}, wanted a lower and a higher value")

    narrow = values.shape[1] > MOST_SLANTED
    rows, columns = _readable(rows), _readable(columns, most_lines=1 if narrow else 2)
    figure = new_figure(*_size(values.shape, rows, columns), layout="constrained")
    axes = figure.add_subplot()
    diverging = low < 0 < high
    image = axes.imshow(values, cmap="RdBu_r" if diverging else "viridis", vmin=low, vmax=high, aspect="auto")
    _name_axis(axes.yaxis, rows, f"{values.shape[0]} ECGs")
    _name_axis(axes.xaxis, columns, f"{values.shape[1]} texts")
    axes.tick_params(length=0, labelsize=8)
    for text in axes.get_xticklabels():
        if narrow:
            text.set(rotation=90)
        else:
            text.set(rotation=45, horizontalalignment="right", rotation_mode="anchor")
    if values.size <= MOST_NUMBERS:
        _write_numbers(axes, image, values)
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.set_label(scale_label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    width = max(40, int(figure.get_figwidth() * LETTERS_AN_INCH))
    if title:
        figure.suptitle("\n".join(textwrap.wrap(title, width)), fontsize=10, parse_math=False)
    if caption:
        figure.supxlabel("\n".join(textwrap.wrap(caption, width)), fontsize=8, parse_math=False)
    return figure


def _matrix(similarities) -> np.ndarray:
    if hasattr(similarities, "detach"):
        similarities = similarities.detach().cpu().float()
    values = np.asarray(similarities)
    if values.dtype.kind not in "iuf" or values.ndim != 2 or not values.size:
        raise ValueError(f"similarities are {values.dtype} of shape {values.shape}, wanted numbers (ecgs, texts)")
    values = values.astype(np.float64)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            f"similarities hold {values[row, column]} at row {row}, column {column}: wanted finite values"
        )
    return values


def _labels(labels, number: int, name: str, axis: str) -> list[str] | None:
    if labels is None:
        return None
    labels = [str(label) for label in labels]
    if len(labels) != number:
        raise ValueError(f"{name} has {len(labels)} names, wanted one for each of {number} {axis} of similarities")
    return labels


def _mean_by_label(values: np.ndarray, labels: list[str]) -> tuple[np.ndarray, list[str]]:
    names = list(dict.fromkeys(labels))
    own = np.array(labels)
    means = np.stack([values[own == name].mean(axis=0) for name in names])
    return means, [f"{name} ({(own == name).sum()})" for name in names]


def _limits(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if low < 0:
        high = max(-low, high)
        low = -high
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _readable(labels: list[str] | None, most_lines: int | None = None) -> list[str] | None:
    """Names broken into lines, at most so many; a name that is longer still ends in dots."""
    if labels is None or len(labels) > MOST_NAMES:
        return None
    if most_lines is not None:
        labels = [textwrap.shorten(label, LONGEST_NAME[most_lines - 1], placeholder=" ...") for label in labels]
    wrapped = []
    for label in labels:
        width = WRAP_AT
        while most_lines is not None and len(textwrap.wrap(label, width)) > most_lines:
            width += 2
        wrapped.append("\n".join(textwrap.wrap(label, width)))
    return wrapped


def _size(shape: tuple[int, int], rows: list[str] | None, columns: list[str] | None) -> tuple[float, float]:
    """Millimetres: cells wide enough for a number, and rows for the lines of their names."""
    lines = max([1] + [label.count("\n") + 1 for label in rows or []])
    cells = [max(45.0, min(260.0, number * CELL_MM)) for number in shape]
    height = max(cells[0] * 0.7, (len(rows) if rows else 0) * (lines * LINE_MM + 2))
    slanted = _longest(columns) * LETTER_MM * 0.75
    # the first slanted name reaches to the left of its column; where it is longer than the names of the rows, it rules
    return cells[1] + max(_longest(rows) * LETTER_MM, slanted - CELL_MM / 2) + 32, height + slanted + 22


def _longest(labels: list[str] | None) -> int:
    return max((len(line) for label in labels or [] for line in label.split("\n")), default=4)


def _name_axis(axis, labels: list[str] | None, otherwise: str) -> None:
    if labels is None:
        axis.set_ticks([])
        axis.set_label_text(otherwise)
    else:
        axis.set_ticks(range(len(labels)), labels, parse_math=False)


def _write_numbers(axes, image, values: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(values):
        red, green, blue, _ = image.cmap(image.norm(value))
        # ITU-R BT.601 luma: black on light cells, white on dark ones
        light = 0.299 * red + 0.587 * green + 0.114 * blue > 0.5
        color = "black" if light else "white"
        # adding zero makes -0.00 of a rounded -0.004 a plain 0.00
        axes.text(column, row, f"{round(value, 2) + 0.0:.2f}", ha="center", va="center", fontsize=7, color=color)
