"""A query and what was found for it, on one picture: ECGs on paper, texts, how alike they are."""

import math
import textwrap
from collections.abc import Mapping, Sequence

from ._figure import MM_PER_INCH, new_figure
from .ecg import ecg_sheet

SHEET_MM, GAP_MM, LINE_MM, LETTER_MM, TEXT_MM = 190.0, 6.0, 4.6, 2.0, 3.4
QUERY_COLOR, HIT_COLOR = "#1f4e79", "#101010"
MOST_LINES = 4


def plot_retrieval(
    query: str,
    hits: Sequence,
    ecgs: Mapping[str, object],
    *,
    query_ecg=None,
    columns: int | None = None,
    title: str | None = None,
):
    """Draw a query and its hits, the best first.

    Args:
        query: the text asked for, or the words that stand above the query's ECG.
        hits: of `hf_ecg.evaluation.judging.retrieval`, ECGs or texts; anything with its fields.
        ecgs: record_id -> ECG as `plot_ecg` takes it, for the hits that are records.
        query_ecg: ECG of the query, as `plot_ecg` takes it; None when it is a text.
        columns: of hits; default two, or one up to two hits.
        title: printed above.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: no hits, a hit whose ECG is not given, or what `plot_ecg` refuses.
        ImportError: matplotlib is not installed.
    """
    if not hits:
        raise ValueError("there are no hits to draw")
    absent = [hit.record_id for hit in hits if hit.record_id is not None and hit.record_id not in ecgs]
    if absent:
        raise ValueError(f"the ECGs of the hits {absent} are not given")
    columns = (1 if len(hits) <= 2 else 2) if columns is None else columns
    if columns < 1:
        raise ValueError(f"columns is {columns}, wanted at least 1")
    cells = [[_Cell(f"Query: {query}", query_ecg, QUERY_COLOR)]]
    found = [
        _Cell(hit_caption(hit, rank), None if hit.record_id is None else ecgs[hit.record_id], HIT_COLOR)
        for rank, hit in enumerate(hits, 1)
    ]
    cells += [found[start : start + columns] for start in range(0, len(found), columns)]
    heights = [max(cell.height for cell in row) for row in cells]
    top = LINE_MM * 2 if title else 0.0
    width = max(map(len, cells)) * (SHEET_MM + GAP_MM) + GAP_MM
    height = top + sum(heights) + GAP_MM * (len(cells) + 1)
    figure = new_figure(width, height)
    if title:
        _write(figure, title, GAP_MM, height - GAP_MM, width, height, "black", 1.2)
    y = height - top - GAP_MM
    for row, row_height in zip(cells, heights, strict=True):
        for place, cell in enumerate(row):
            cell.draw(figure, GAP_MM + place * (SHEET_MM + GAP_MM), y, width, height)
        y -= row_height + GAP_MM
    return figure


def hit_caption(hit, rank: int) -> str:
    """Rank, likeness and text of a hit, in words."""
    likeness = f"cosine {hit.cosine:.3f}"
    if hit.probability is not None:
        likeness = f"probability {hit.probability:.3g}, {likeness}"
    where = "" if hit.record_id is None else f"record {hit.record_id}, patient {hit.patient_id}, "
    shared = f" ({hit.num_records} records have this text)" if hit.num_records != 1 else ""
    return f"{rank}. {where}{likeness}: {hit.text or 'no text'}{shared}"


class _Cell:
    """Words, and an ECG under them."""

    def __init__(self, caption: str, ecg, color: str):
        lines = textwrap.wrap(" ".join(caption.split()), math.floor(SHEET_MM / LETTER_MM)) or [""]
        if len(lines) > MOST_LINES:
            lines = [*lines[: MOST_LINES - 1], lines[MOST_LINES - 1][:-4] + " ..."]
        self.lines, self.color = lines, color
        self.sheet = None if ecg is None else ecg_sheet(ecg, width=SHEET_MM)
        self.words_mm = LINE_MM * len(lines) + 1
        self.height = self.words_mm + (0 if self.sheet is None else self.sheet.height * self.sheet.scale)

    def draw(self, figure, x: float, y: float, width: float, height: float) -> None:
        _write(figure, "\n".join(self.lines), x, y, width, height, self.color)
        if self.sheet is not None:
            size = (self.sheet.width * self.sheet.scale, self.sheet.height * self.sheet.scale)
            box = (x / width, (y - self.words_mm - size[1]) / height, size[0] / width, size[1] / height)
            self.sheet.draw(figure.add_axes(box), None)


def _write(figure, text: str, x, y, width, height, color, scale: float = 1.0) -> None:
    figure.text(
        x / width,
        y / height,
        text,
        va="top",
        color=color,
        fontsize=TEXT_MM * scale * 72 / MM_PER_INCH,
        linespacing=LINE_MM / TEXT_MM * 0.83,
        parse_math=False,
    )
