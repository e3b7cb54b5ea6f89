"""Reports as TolerantECG has them: age and sex first, and each phrase followed by what it looks like."""

import re
from collections.abc import Collection
from functools import lru_cache

from .descriptions import describe
from .report_statements import codes_of_report, mentions

# of the released code, and what ends a sentence
_BETWEEN_PHRASES = re.compile(r"[.;:!?]+(?:\s+|$)|\n| with | and | or |/| - ")
_PRONOUNS = {"female": "She", "male": "He"}


def described_report(
    text: str, age: float | None = None, sex: str | None = None, held_out: Collection[str] = ()
) -> str:
    """A report for training: who it is of, and each of its phrases with the waveform features that go with it.

    A phrase is looked up in `waveform_features.csv` by the statements that it makes; one that makes none, or denies
    it, stays as it is. TolerantECG looks it up in a base of its own, made from a website (LITFL) and not published, by
    the nearest of sentence embeddings, and keeps it where that is near. Phrases end where the released code ends them.

    Args:
        text: sentences in English.
        age: in years; None is not known.
        sex: "female", "male", or None.
        held_out: SCP statements that texts may not name: features that do are left out.

    Returns:
        One line; empty for an empty text.

    Source:
        TolerantECG, arXiv 2507.09887, section 3; Fsoft-AIC/TolerantECG at f00481d, src/data/components/mimic.py.

    Example:
        >>> described_report("Sinus bradycardia. Prolonged QT interval", age=63, sex="female")
        ... # doctest: +ELLIPSIS
        'This person is a female of age 63. She is having sinus bradycardia: ...
    """
    phrases = _described_phrases(text, frozenset(held_out))
    return f"{_person(age, sex)} is having {'; '.join(phrases)}." if phrases else ""


@lru_cache(maxsize=65536)
def _described_phrases(text: str, held_out: frozenset[str]) -> tuple[str, ...]:
    phrases = []
    for piece in _BETWEEN_PHRASES.split(text):
        phrase = piece.strip(" ,-")
        if re.search(r"\w", phrase):
            features = _features_of(phrase, held_out)
            phrase = phrase[0].lower() + phrase[1:] if phrase[1:2].islower() else phrase
            phrases.append(f"{phrase}: {', '.join(features)}" if features else phrase)
    return tuple(dict.fromkeys(phrases))


def _features_of(phrase: str, held_out: frozenset[str]) -> list[str]:
    codes = [code for code in codes_of_report(phrase) if code not in held_out]
    features = [text for description in describe(codes) for text, _ in description.features]
    return [text for text in dict.fromkeys(features) if not held_out or not mentions(text, held_out)]


def _person(age: float | None, sex: str | None) -> str:
    known_age = "" if age is None or age != age else f" of age {age:.0f}"
    if sex in _PRONOUNS:
        return f"This person is a {sex}{known_age}. {_PRONOUNS[sex]}"
    return f"This person is{known_age}. This person" if known_age else "This person"
