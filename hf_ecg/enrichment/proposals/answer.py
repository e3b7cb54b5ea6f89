"""Reads the list of features out of what a language model answered, without evaluating it."""

import re
import unicodedata
from dataclasses import dataclass

from ...clinical.scp import SEPARATOR

MAX_CHARACTERS = 20_000
MAX_FEATURES = 64
MAX_FEATURE_CHARACTERS = 120

_STRING = r'"(?:[^"\\\n]|\\[^\n])*"' + "|" + r"'(?:[^'\\\n]|\\[^\n])*'"
_TOKEN = re.compile(rf"\s*(?:(?P<string>{_STRING})|(?P<mark>[\[\],])|(?P<other>[^\s\[\],\"']+|[\"']))")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))")
_THOUGHTS = re.compile(r"^.*</think>", re.DOTALL)  # reasoning models write their thoughts before the answer

# What no waveform feature says, and text that speaks to a reader does.
_INSTRUCTION = re.compile(
    r"\b(ignore|disregard|forget|override|bypass|instructions?|prompts?|assistant|users?|you|your|please|respond|reply"
    r"|answer|output|print|write|execute|delete|password|secret|click|visit|download)\b|\bsystem\s*(prompt|message|:)"
    r"|https?:|www\.|[`{}\\]|<\s*[/|a-z!]|\w\s*:\s*//|\$\(",
    re.IGNORECASE,
)
# A list's bullet or bold type around a feature says nothing; within one it is not plain English.
_BULLET = re.compile(r"^(?:[-*•#]+|\d{1,2}[.)])\s+")
_MARKUP = re.compile(r"[|*#\[\]]")
_ALPHABETS = ("LATIN", "GREEK", "MICRO", "MODIFIER")
# A feature names at least one of these. Words, not single letters: "I" and "a" stand in any English sentence.
_OF_THE_TRACING = re.compile(
    r"\b(waves?|intervals?|segments?|complex(es)?|leads?|axis|axes|voltages?|amplitudes?|rates?|rhythms?|beats?|QRS"
    r"|ST|PR|PQ|QTc?|RR|R-R|PP|P-P|QS|rSR'?|qR|Rs|J.points?|R/S|RS|[PQRSTU]|[aA]V[RLF]|V[1-6]|deflections?|inversions?"
    r"|inverted|elevations?|depressions?|depressed|peaked|notch(ed|ing)?|slurr(ed|ing)|progression|transition|baseline"
    r"|morphology|pauses?|ectop(ic|y)|premature|pacing|pacemaker|spikes?|flutter|fibrillatory|delta|epsilon|Osborn"
    r"|strain|irregular(ly|ity)?|regular(ity)?|tachycardia|bradycardia|bigemin(y|al)|trigemin(y|al)|dissociation"
    r"|conduction|block(ed)?|alternans|artifacts?|noise|low|high|wide|widened|broad|narrow|prolonged|shortened)\b"
)


@dataclass(frozen=True)
class Answer:
    """Features of one answer, and what was wrong with it.

    Args:
        features: those that may be used, unique, in the answer's order.
        malformed: a rule was broken; `problem` says which.
        problem: None for an answer as it was asked for.
    """

    features: tuple[str, ...]
    malformed: bool
    problem: str | None


def parse_answer(text: str) -> Answer:
    """The features in an answer.

    The rules. An answer holds exactly one list of quoted strings, Python's or JSON's; what stands around it (a
    sentence, a code fence, thoughts before `</think>`) is not read. Nothing is taken from an answer of more than
    20,000 characters, without a list, with several, with one that is nested, holds anything but strings, has no end,
    or is longer than 64 items; nor from one with an item that speaks to its reader ("ignore previous instructions", an
    address, markup): who wrote that wrote the rest too. An item alone is left out when it is longer than 120
    characters, names nothing of a tracing, is several sentences (the second could be a diagnosis), or is not plain
    text: markup, characters that cannot be printed, halves of surrogate pairs (parquet cannot hold them), letters of
    other alphabets that look like Latin ones. All of these are malformed. White space, bullets, bold type, a full stop
    at the end and repetitions are tidied silently; `[]` is a proper answer without features.
    """
    if len(text) > MAX_CHARACTERS:
        return _refused(f"more than {MAX_CHARACTERS} characters")
    try:
        items = _only_list(_THOUGHTS.sub("", text))
    except ValueError as error:
        return _refused(str(error))
    if len(items) > MAX_FEATURES:
        return _refused(f"a list of {len(items)} items, wanted {MAX_FEATURES} at most")
    if spoken := [item for item in items if _INSTRUCTION.search(item)]:
        return _refused(f"an item that is not a feature but speaks to its reader: {spoken[0][:80]!r}")
    features: dict[str, str] = {}
    left_out = []
    for item in items:
        feature = _BULLET.sub("", " ".join(item.split())).strip("*").rstrip(". ")
        if len(feature) > MAX_FEATURE_CHARACTERS or not _is_plain(feature) or not _OF_THE_TRACING.search(feature):
            left_out.append(feature)
        else:
            features.setdefault(feature.casefold(), feature)
    problem = f"{len(left_out)} items that are not features, such as {left_out[0][:80]!r}" if left_out else None
    return Answer(tuple(features.values()), bool(left_out), problem)


def _is_plain(feature: str) -> bool:
    if SEPARATOR in feature or _MARKUP.search(feature) or not feature.isprintable():
        return False
    return all(unicodedata.name(x, "").startswith(_ALPHABETS) for x in feature if x.isalpha() and not x.isascii())


def _refused(problem: str) -> Answer:
    return Answer((), True, problem)


def _only_list(text: str) -> list[str]:
    """The strings of the one list in a text.

    Raises:
        ValueError: no list, several, or one that is nested, unfinished, or of something else than strings.
    """
    found: list[list[str]] = []
    position = text.find("[")
    while position >= 0:
        items, end = _read_list(text, position)
        found.append(items)
        position = text.find("[", end)
    if len(found) != 1:
        raise ValueError(f"{len(found)} lists, wanted one" if found else "no list")
    return found[0]


def _read_list(text: str, start: int) -> tuple[list[str], int]:
    items: list[str] = []
    position, after_item = start + 1, False
    while match := _TOKEN.match(text, position):
        position = match.end()
        if match["mark"] == "]":
            return items, position
        if match["mark"] == "[":
            raise ValueError("a list in the list")
        if match["mark"] == ",":
            if not after_item:
                raise ValueError("a comma without an item before it")
            after_item = False
        elif match["string"]:
            if after_item:
                raise ValueError("two items without a comma between them")
            items.append(_ESCAPE.sub(_unescaped, match["string"][1:-1]))
            after_item = True
        else:
            raise ValueError(f"{match['other'][:40]!r} in the list, which is not a quoted string")
    raise ValueError("a list without an end")


def _unescaped(match: re.Match) -> str:
    if match[1]:
        return chr(int(match[1], 16))
    return {"n": "\n", "t": "\t", "r": "\r"}.get(match[2], match[2])
