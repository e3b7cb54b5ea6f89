"""SCP statements that a report makes: English machine reports, composed texts, PTB-XL's German and Swedish ones.

`report_statements.csv` holds the patterns, most specific first: what one of them took, no later one sees ("incomplete
left bundle branch block" is not a left bundle branch block). They were written from the wording of PTB-XL's reports
and statements and from what is known of MIMIC-IV-ECG's; they propose what to look for, and do not label records.
"""

import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from .scp import CODES
from .tables import read_table

TABLE = Path(__file__).with_name("report_statements.csv")
_SENTENCE = re.compile(r"[.;:!?]+(?:\s+|$)|\n")
# "fibrilation" and "fibrillations" are that near to "fibrillation", "inferior" and "inferolateral" are not.
_SIMILAR = 0.85
# Neither deny nor doubt more than the report itself does: an uncertain statement is a statement to look for.
_UNCERTAIN = re.compile(
    r"\b(?:can ?not|could not|not) (?:be )?(?:entirely |completely )?(?:ruled? out|excluded?)\b"
    r"|\bnicht auszuschlie(?:ss|ß)en\b|\bkan ej uteslutas\b"
    r"|\bno (?:significant |major |definite |apparent )*changes?\b"
)
_DENIAL = re.compile(
    r"\b(?:no|not|without|absence of|negative for|free of|unlikely|(?:has |have )?replaced|replaces)\b"
)
_END_OF_DENIAL = re.compile(r"\b(?:but|however|except|although|though|with|consistent|suggest\w*|due|indicat\w*)\b")
# A list goes on over commas up to its "or"; "or V6" names a lead.
_LIST = re.compile(r"\b(?:or|nor)\b(?! (?:i|ii|iii|avr|avl|avf|v\d)\b)")
_DENIED_AFTER = re.compile(
    r"(?: (?:in|leads?|and|or|to|,|i{1,3}|av[rlf]|v\d))*(?: \w+){0,4}?"
    r" (?:not (?:seen|present|evident|found|identified|noted)|no longer|resolved|unlikely|excluded"
    r"|ruled out|ausgeschlossen)\b"
)
_REACH = 300  # characters: a denial does not reach farther back, in sentences of any length
# German and Swedish reports have no full stops: their "no" reaches a few words far.
_SHORT_DENIAL = re.compile(r"\b(?:kein\w*|ohne|ingen|inga|inget|utan)(?: \w+)? $")


def codes_of_report(text: str) -> list[str]:
    """SCP statements that a report makes, in its order, without those that it denies ("no ST elevation").

    Statements that it calls possible, probable or not excluded are among them.

    Args:
        text: a machine report, a text that `compose_text` made, or an original report of PTB-XL.

    Example:
        >>> codes_of_report("Sinus rhythm with 1st degree A-V block. No ST elevation or Q waves")
        ['SR', '1AVB']
    """
    return list(dict.fromkeys(code for sentence in _SENTENCE.split(text) for code in _codes_of_sentence(sentence)))


def mentions(text: str, codes: Iterable[str]) -> bool:
    """Whether a text names one of some SCP statements at all: denied, misspelt, or inside the name of another.

    This asks what a text must not say when statements are held out of it; so it finds rather too much.

    Example:
        >>> mentions("no atrial fibrilation", ["AFIB"]), mentions("absent P waves", ["AFIB"])
        (True, False)
    """
    codes = set(codes)
    wanted = [pattern for found, pattern in _patterns() if codes.intersection(found)]
    known = sorted({word for pattern in wanted for word in re.findall(r"[^\W\d_]{5,}", pattern.pattern)})
    text = "".join(letter for letter in unicodedata.normalize("NFKC", text) if unicodedata.category(letter) != "Cf")
    words = re.sub(r"[\W_]", " ", text.lower()).split()
    mended = [(get_close_matches(word, known, 1, _SIMILAR) or [word])[0] for word in words]
    said = (" ".join(words), " ".join(mended))
    return any(pattern.search(variant) for pattern in wanted for variant in said)


@lru_cache(maxsize=65536)
def _codes_of_sentence(sentence: str) -> tuple[str, ...]:
    # corpora say the same few thousand sentences over and over
    words = " ".join(re.sub(r"[^\w,]", " ", sentence.lower()).replace(",", " , ").split())
    words = _UNCERTAIN.sub(lambda match: "x" * len(match[0]), words)
    left, found = words, []
    for codes, pattern in _patterns():
        for match in pattern.finditer(left):
            if not _denied(words[max(0, match.start() - _REACH) : match.start()], words[match.end() :]):
                found.append((match.start(), codes))
            left = left[: match.start()] + "#" * len(match[0]) + left[match.end() :]
    return tuple(dict.fromkeys(code for _, codes in sorted(found) for code in codes))


def _denied(before: str, after: str) -> bool:
    if _SHORT_DENIAL.search(before) or _DENIED_AFTER.match(after):
        return True
    denials = list(_DENIAL.finditer(before))
    if not denials:
        return False
    between = before[denials[-1].end() :]
    if _END_OF_DENIAL.search(between):
        return False
    if "," in between:
        return bool(_LIST.search(between.rpartition(",")[2] + "#" + after.partition(",")[0]))
    return True


@lru_cache
def _patterns() -> tuple[tuple[tuple[str, ...], re.Pattern], ...]:
    patterns = []
    for number, row in enumerate(read_table(TABLE, ("codes", "pattern")), start=2):
        codes = tuple(row["codes"].split())
        if not codes or (unknown := [code for code in codes if code not in CODES]):
            raise ValueError(f"{TABLE}, line {number}: {unknown if codes else 'nothing'} in place of SCP statements")
        patterns.append((codes, re.compile(rf"\b(?:{row['pattern']})(?!\w)")))
    return tuple(patterns)
