"""Original reports as training texts: cleaning, languages, identical ones, and rules for those that say too little.

Lines of machine reports (MIMIC-IV-ECG) are cleaned by `machine_reports.clean_report_lines`; here are the free words of
PTB-XL and what holds for every corpus.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Appended to the words: the recorder's version ("4.46   unbestätigter bericht", often cut short), and editors' codes,
# which are the labels.
_APPENDED = re.compile(r"\s+4\.46(\s.*)?$|\s*\bEdit:.*$|\s*consensus label derived from:.*$", re.IGNORECASE)
# Says what was asked for, nothing of the ECG; or what a lead or an arm suffered from.
_NOT_A_FINDING = re.compile(
    r"^trace only requested\.$|\blead \w+ shows arti?e?fact\b\.?|\* ?armelektroden möglicherweise vertauscht\b"
)
# Signs of a recorder's own character set: "f#r" is "für"; "ó" with a sign no word has is a mark of the printer.
_MANGLED = ((re.compile(r"\bf#r\b"), "für"), (re.compile(r"(?<!\w)#(?=bergang)"), "ü"), (re.compile("ó[¬½¿©]"), " "))
_LANGUAGES = {
    "de": r"sinus ?rhythmus|\w+typ|\w*arrhythmie|\w+kardie|vorhof\w*|kammer\w*|\w*schenkelblock|\w*extrasystolen?"
    r"|normale?s|abnorm\w*|ekg|unspezif\w+|\w*hypertrophie|infarkt|\w*verlängerung|möglich|wahrscheinlich|und|nicht"
    r"|schrittmacher|patholog\w+|steillage|mit|llt|leitungsst\w+",
    "en": r"rhythm|ecg|waves?|segments?|left|right|axis|deviation|bundle|branch|atrial|ventricular|unremarkable"
    r"|premature|contractions?|\w*cardia|pacemaker|no|the|are|with|of|possible|non|abnormality|old|myocardial|changes",
    "sv": r"sinus ?rytm|\w*rytm|normalt|el axel|vänster|höger|\w*sidigt|skänkelblock|\w*hypertrofi|\w*extrasystoli"
    r"|\w*kardi|förmaks\w*|\w*förändring|ospecifi\w+|förlopp|avvikande|ålder|och|ej|vid|ekg|infarkt|i",
}
_WORDS_OF = {language: re.compile(rf"\b(?:{words})\b") for language, words in _LANGUAGES.items()}
# A verdict without a finding, a request, or a comparison with a tracing that nobody has here.
_VERDICT = re.compile(
    r"(?:(?:this is )?(?:an? )?(?:abnormal|borderline|otherwise abnormal|pathological) (?:ecg|ekg|tracing)"
    r"|(?:ekg )?(?:wahrscheinlich )?pathologisch(?:es ekg)?|path\.? ?ekg|grenzbefund|onormalt ekg|patologiskt ekg"
    r"|trace only requested|no (?:significant |major )?change\b.*|compared (?:with|to)\b.*|ecg|ekg|see (?:below|text)"
    r"|no (?:interpretation|report|comment)s?(?: available| possible)?|not interpreted|for comparison)"
)
# Where the analysis program gave up. Warnings of noise and of a missing age are not among these: FG-CLEP keeps 97 %.
_NOT_ANALYSED = re.compile(
    r"analysis error|unsuitable for analysis|no further analysis|leads are missing|technically unsatisfactory"
    r"|measurement error|sequence error|uninterpretable|(?:can ?not|could not) be (?:analy[sz]ed|interpreted)",
    re.IGNORECASE,
)


def clean_report(report: str) -> str:
    """The words of one of PTB-XL's reports (German, English, Swedish), in lower case.

    What the recorder and editors appended is left out ("Edit: NORM 100" and "consensus label derived from" hold the
    labels), and so are remarks on electrodes and artefacts; characters that the recorder mangled are mended where the
    word shows which they were. Empty for "trace only requested."
    """
    text = " ".join(report.split())
    for _ in range(2):
        text = _APPENDED.sub("", f" {text}").strip()
    text = text.lower()
    for mangled, meant in _MANGLED:
        text = mangled.sub(meant, text)
    return " ".join(_NOT_A_FINDING.sub("", text).split())


def report_language(text: str) -> str | None:
    """The language of a cleaned report: "de", "en" or "sv", the one most of its known words belong to; None: neither.

    Made for PTB-XL's reports, most of which are of a few words; a word that two languages share decides nothing.
    """
    words = re.sub(r"\W+", " ", text.lower())
    counts = {language: len(known.findall(words)) for language, known in _WORDS_OF.items()}
    best, second = sorted(counts, key=counts.get, reverse=True)[:2]
    return best if counts[best] > counts[second] else None


def duplicate_groups(texts: Iterable[str | None]) -> dict[str, list[int]]:
    """The places of each distinct text, in the order of first appearance; missing and blank texts are in no group.

    Two texts are duplicates when they are equal, character by character: clean them first.

    Example:
        >>> duplicate_groups(["sinus rhythm", "", "atrial flutter", "sinus rhythm"])
        {'sinus rhythm': [0, 3], 'atrial flutter': [2]}
    """
    groups: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        if text and text.strip():
            groups.setdefault(text, []).append(place)
    return groups


@dataclass(frozen=True)
class ReportRules:
    """Which reports say too little to train on.

    Args:
        min_words: fewer words are too few; words are what spaces part.
        refuse_verdicts: whether a text is refused that only judges ("abnormal ECG") or only compares.
        refuse_unexpected: whether a report is refused as a whole for a line that says that the analysis failed, even
            when other lines remain.
        source: where the rules come from.
    """

    min_words: int
    refuse_verdicts: bool
    refuse_unexpected: bool
    source: str


REPORT_RULES = {
    "merl": ReportRules(
        4, False, False, "Liu et al., ICML 2024 (arXiv 2403.06659): at least 4 words; 771,693 of MIMIC's are left"
    ),
    # The paper names the four kinds and gives no list of what is uninformative or unexpected: the lists are ours.
    "fg_clep": ReportRules(
        3,
        True,
        True,
        "Li et al., 2025 (arXiv 2505.11939): no empty, uninformative or shorter reports than 3 words, no 'unexpected"
        " situations'; 773,268 of MIMIC's are left",
    ),
}


def refusal(text: str | None, rules: ReportRules, report: str | None = None) -> str | None:
    """Why a report is not to be trained on, in a few words; None when it is fit.

    Args:
        text: the cleaned report.
        rules: see `REPORT_RULES`.
        report: as it was written, where cleaning takes lines off that `rules` refuse a report for; default: the text.

    Example:
        >>> refusal("abnormal ecg", REPORT_RULES["fg_clep"]), refusal("sinus rhythm", REPORT_RULES["merl"])
        ('fewer than 3 words', 'fewer than 4 words')
    """
    text = (text or "").strip()
    if rules.refuse_unexpected and _NOT_ANALYSED.search(text if report is None else report):
        return "unexpected situation"
    if not re.search(r"\w", text):
        return "empty"
    if len(text.split()) < rules.min_words:
        return f"fewer than {rules.min_words} words"
    if rules.refuse_verdicts and all(map(_VERDICT.fullmatch, _sentences(text))):
        return "uninformative"
    return None


def count_refusals(
    texts: Sequence[str | None], rules: ReportRules, reports: Sequence[str | None] | None = None
) -> dict[str, int]:
    """How many reports are refused for each reason, see `refusal`; the most frequent reason first.

    Raises:
        ValueError: another number of reports than of texts.
    """
    if reports is not None and len(reports) != len(texts):
        raise ValueError(f"{len(texts)} texts and {len(reports)} reports, wanted one for each")
    written = reports if reports is not None else texts
    reasons = (refusal(text, rules, report) for text, report in zip(texts, written, strict=True))
    return dict(Counter(reason for reason in reasons if reason).most_common())


def _sentences(text: str) -> list[str]:
    return [part.strip(" .!?-*") for part in re.split(r"[.;]\s+|\n", text.lower()) if part.strip(" .!?-*")]
