"""Reports that an electrocardiograph wrote: several lines of English, some of which say nothing about the heart."""

import re
from collections.abc import Iterable

TEXT_STYLES = ("sentences", "merl")
_SEPARATOR = ". "
# What an analysis program says of itself, of what it was told, of electrodes and of noise. From lists that published
# preparations of MIMIC-IV-ECG leave out, and its data dictionary; a reversed lead is for `signals.check_quality`.
_NOT_OF_THE_HEART = re.compile(
    r"""data\ quality | poor\ quality\ data | recording\ unsuitable | unsuitable\ for\ analysis | analysis\ error
    | measurement\ error | without\ knowing | (age|sex|gender)\ not\ entered | pediatric\ (criteria|ecg)
    | lead\ (reversal|interchange) | leads\ are\ missing | faulty\ v\d | sequence\ error
    | pacer\ detection\ suspended | review\ advised$ | technically\ unsatisfactory | no\ further\ analysis\ made
    | edit\ text | ^unconfirmed | ^warning\b""",
    re.IGNORECASE | re.VERBOSE,
)
_SUMMARY = re.compile(r"^summary\s*:\s*", re.IGNORECASE)
_EKG = re.compile(r"\bEKG\b", re.IGNORECASE)


def clean_report_lines(lines: Iterable[str | None], style: str = "sentences") -> str:
    """One text of a report's lines, for training.

    Args:
        lines: in their order; None and blank ones are passed over, wherever they stand.
        style: "sentences": lines that say nothing about the heart (noise, electrodes, missing age) and repeated ones
            are left out, marks such as "***" and "---" are stripped, the rest is joined by ". " in its own spelling.
            "merl": as MERL has it: every line, "EKG" as "ECG", "*" and "=" stripped at the ends, lower case, a final
            full stop.

    Returns:
        The text; empty when nothing is left.

    Raises:
        ValueError: another style.

    Source:
        MERL: Liu et al., ICML 2024 (arXiv 2403.06659), its preparation of MIMIC-IV-ECG.

    Example:
        >>> clean_report_lines(["Sinus rhythm.", None, "--- Warning: Data quality may affect interpretation ---"])
        'Sinus rhythm'
    """
    if style not in TEXT_STYLES:
        raise ValueError(f"style is {style!r}, wanted one of {TEXT_STYLES}")
    written = [" ".join(line.split()) for line in lines if line and line.strip()]
    if style == "merl":
        text = _SEPARATOR.join(written).replace("EKG", "ECG").strip(" *=").lower().rstrip(" .")
        return f"{text}." if text else ""
    sentences: dict[str, str] = {}
    for line in written:
        sentence = _EKG.sub("ECG", line.strip(" *=-.,;:_"))
        sentence = _SUMMARY.sub("", sentence)
        if re.search(r"[A-Za-z]", sentence) and not _NOT_OF_THE_HEART.search(sentence):
            sentences.setdefault(sentence.lower(), sentence)
    return _SEPARATOR.join(sentences.values())
