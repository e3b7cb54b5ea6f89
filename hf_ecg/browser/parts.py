"""The parts of the page as HTML, pictures inside: nothing is left on the disk, and every text is escaped."""

import base64
import io
from collections.abc import Sequence
from html import escape

import numpy as np

from ..plotting import plot_ecg, plot_explanation
from ..signals.measuring import measure
from ..signals.quality import check_quality
from ..signals.record import Record

DPI = 110
SHOWN_S = 10.0
FLAG_WORDS = {
    "missing": "samples are missing",
    "flat": "it is flat in part",
    "clipped": "it is cut off at its highest or lowest value",
    "mains": "hum of the mains",
    "wander": "the baseline wanders",
    "amplitude": "its amplitude is unusual",
    "einthoven": "it contradicts the other limb leads",
    "arm_reversal": "the arms may be interchanged",
    "leg_reversal": "the right leg and an arm may be interchanged",
}
MEASURED = {
    "heart_rate": "Heart rate",
    "pr_ms": "PR",
    "qrs_ms": "QRS",
    "qt_ms": "QT",
    "qtc_fridericia_ms": "QTc (Fridericia)",
    "qrs_axis": "QRS axis",
}


def sentence(words: str, kind: str = "note") -> str:
    """One paragraph."""
    return f'<p class="{kind}">{escape(words)}</p>'


def heading(words: str) -> str:
    """Of a part of the page."""
    return f"<h2>{escape(words)}</h2>"


def picture(figure, words: str, wide: bool = True) -> str:
    """A figure as an image inside the page; a wide one is scrolled on a narrow screen."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=DPI)
    image = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
    return f'<div class="paper{" wide" if wide else ""}"><img alt="{escape(words)}" src="{image}"></div>'


def table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> str:
    """Cells are texts, which are escaped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in heads)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scrolled"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def paper(record: Record, remarks: Sequence[str]) -> str:
    """What was read, and the first ten seconds of it on paper."""
    number = len(record.leads)
    facts = f"{record.source_format or 'Made here'}: {number} lead{'s' if number != 1 else ''}"
    facts += f", {record.sampling_rate:g} Hz"
    facts += f", {record.seconds:.1f} s"
    seconds = min(SHOWN_S, record.seconds)
    drawn = picture(plot_ecg(record, seconds=seconds, width=230.0), f"ECG on paper, leads {', '.join(record.leads)}")
    return sentence(facts, "facts") + "".join(map(sentence, remarks)) + drawn


def quality(record: Record) -> str:
    """What is wrong with the leads, in words."""
    report = check_quality(record.to_millivolts(), record.sampling_rate, record.leads)
    rows = [
        (lead, FLAG_WORDS.get(flag, flag))
        for flag, found in report.flags.items()
        for lead, there in zip(report.leads, np.atleast_1d(found), strict=True)
        if there
    ]
    if not rows:
        return sentence("Nothing wrong was found in any lead.", "good")
    return table(rows, ("lead", "what was found"))


def measurements(record: Record) -> str:
    """Rate, intervals and axis; what is doubtful, or could not be had, with the reason."""
    found = {row["name"]: row for row in measure(record).rows()}
    rows = []
    for name, words in MEASURED.items():
        row = found[name]
        value = "not measured" if row["value"] is None else f"{row['value']:.0f} {row['unit']}".strip()
        rows.append((words, value, "" if row["reliability"] == "good" else row["why"] or row["reliability"]))
    told = "By rules on the waveform, not by the model."
    return table(rows, ("measurement", "value", "doubt")) + sentence(told)


def values(found: Sequence[dict], absent: str | None = None) -> str:
    """The numbers of a regression."""
    rows = [(str(one["label"]), f"{float(one['score']):.4g}") for one in found]
    lacks = "" if absent is None else sentence(absent, "lacks")
    return lacks + table(rows, ("what", "value")) + sentence("In the units that the model learned. No probabilities.")


def answers(found: Sequence[dict], absent: str | None = None) -> str:
    """A bar for each class or text, and whether the numbers are calibrated; `absent` says what the record lacks."""
    calibrated = any(one.get("calibrated") for one in found)
    lines = []
    for one in found:
        score = float(one["score"])
        share = min(max(score, 0.0), 1.0)
        marks = [one["verdict"]] if "verdict" in one else []
        marks += ["no answer"] if one.get("abstained") else []
        marks += ["not calibrated"] if calibrated and not one.get("calibrated") else []
        mark = f' <span class="mark">{escape(", ".join(marks))}</span>' if marks else ""
        lines.append(
            f'<div class="answer"><span class="label">{escape(str(one["label"]))}</span>'
            f'<span class="bar"><span style="width:{100 * share:.1f}%"></span></span>'
            f'<span class="number">{score:.2f}</span>{mark}</div>'
        )
    told = (
        "Calibrated: of records with this number, about this share had the class in the data of its calibration."
        " Present and absent: the other is ruled out. No answer: the chosen share of errors cannot be kept."
        if calibrated
        else "Not calibrated: the numbers put answers in order, and are not probabilities of disease."
    )
    if any(one.get("ood") for one in found):
        told += " This ECG is unlike what the model learned from: do not trust its answers."
    lacks = "" if absent is None else sentence(absent, "lacks")
    kind = "answers marked" if calibrated else "answers"
    return lacks + f'<div class="{kind}">{"".join(lines)}</div>' + sentence(told)


def why(found, note: str | None) -> str:
    """The coloured ECG, and the numbers by lead for who cannot see colours."""
    words = f"ECG on paper, coloured by what speaks for {found.asked}"
    largest = np.argsort(-np.abs(found.by_lead))
    rows = [(found.leads[place], f"{found.by_lead[place]:+.2f}") for place in largest]
    return picture(plot_explanation(found, note=note), words) + table(rows, ("lead", f"adds, in {found.unit}"))


def nearest(found: Sequence[dict], source: str) -> str:
    """The nearest records: what is known of each, and a strip of one lead."""
    parts = [sentence(f"Nearest of {source}.")]
    for one in found:
        record = one["record"]
        names = record.leads if isinstance(record, Record) else record["leads"]
        lead = next((name for name in ("II", "I") if name in names), names[0])
        strip = plot_ecg(
            record, show=[lead], title=f"{one['words'][:90] or 'no text'} ({one['cosine']:.2f})", width=230.0
        )
        parts.append(picture(strip, f"A near record: {one['words']}"))
    return "".join(parts)
