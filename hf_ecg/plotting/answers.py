"""An ECG on paper with what a model says of it."""

import textwrap
from collections.abc import Sequence

from ._figure import MM_PER_INCH, new_figure
from .ecg import ecg_sheet

WIDTH_MM, GAP_MM, LINE_MM, WORDS_MM, TEXT_MM = 220.0, 5.0, 6.0, 70.0, 3.4
BAR, INK, PALE = "#1f4e79", "#101010", "#606060"
MOST = 12
KINDS = ("probability", "score", "cosine")
# letters of a note that fit into the width
NOTE_LETTERS = 130


def plot_answers(ecg, answers: Sequence[dict], *, title: str | None = None, note: str | None = None, most: int = MOST):
    """Draw one record, and under it a bar for each answer of a model, the highest first.

    Args:
        ecg: one record as `plot_ecg` takes it.
        answers: mappings with `class` or `label` and with `probability`, `score` or `cosine`, as `hf-ecg evaluate
            classify` and the pipelines give them. The first of these three that all have is drawn, and named below.
        title: printed above; default the record's name.
        note: printed below, such as what the model learned from; a long one in several lines.
        most: how many answers are drawn; the picture says how many there are.

    Returns:
        A matplotlib `Figure`.

    Raises:
        ValueError: no answers, one without a number, or what `plot_ecg` refuses.
        ImportError: matplotlib is not installed.

    Example:
        >>> from hf_ecg.plotting import plot_answers
        >>> figure = plot_answers("record.hea", [{"label": "sinus rhythm", "score": 0.94}])
    """
    if not answers:
        raise ValueError("there are no answers to draw")
    kind, pairs = _named(answers)
    named = sorted(pairs, key=lambda one: -one[1])[:most]
    rest = len(pairs) - len(named)
    bars = f"Bars: {kind}{f', the highest {len(named)} of {len(pairs)}' if rest else ''}."
    sheet = ecg_sheet(ecg, width=WIDTH_MM)
    told = [bars, *textwrap.wrap(note or "", NOTE_LETTERS)]
    sheet_mm, below_mm = sheet.height * sheet.scale, LINE_MM * (len(named) + 1 + len(told)) + GAP_MM
    height = sheet_mm + below_mm
    figure = new_figure(WIDTH_MM, height)
    sheet.draw(figure.add_axes((0, below_mm / height, 1, sheet_mm / height)), title or sheet.window.name)
    axes = figure.add_axes((0, 0, 1, below_mm / height))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH_MM)
    axes.set_ylim(0, below_mm)
    room = WIDTH_MM - WORDS_MM - 30.0
    for place, (name, value) in enumerate(named):
        y = below_mm - LINE_MM * (place + 1)
        write_text(axes, WORDS_MM, y, name, ha="right")
        axes.barh(y, room * min(max(value, 0.0), 1.0), left=WORDS_MM + 3.0, height=LINE_MM * 0.6, color=BAR)
        write_text(axes, WORDS_MM + 5.0 + room * min(max(value, 0.0), 1.0), y, f"{value:.2f}")
    for place, line in enumerate(reversed(told)):
        write_text(axes, GAP_MM, GAP_MM + LINE_MM * 0.8 * place, line, color=PALE, size=0.85)
    return figure


def _named(answers: Sequence[dict]) -> tuple[str, list[tuple[str, float]]]:
    """The kind of number that all answers have, and the name and number of each: one picture has one kind."""
    kind = next((key for key in KINDS if all(answer.get(key) is not None for answer in answers)), None)
    names = [answer.get("class", answer.get("label")) for answer in answers]
    if kind is None or None in names:
        found = sorted({key for answer in answers for key in answer})
        raise ValueError(f"answers hold {found}, wanted class or label, and for all one of {', '.join(KINDS)}")
    return kind, [(str(name), float(answer[kind])) for name, answer in zip(names, answers, strict=True)]


def write_text(axes, x: float, y: float, text: str, size: float = 1.0, **options) -> None:
    """Text of this size on axes whose unit is the millimetre; a dollar sign is a dollar sign."""
    points = TEXT_MM * size * 72 / MM_PER_INCH
    axes.text(x, y, text, **{"color": INK, "va": "center", "parse_math": False, "fontsize": points, **options})
