"""What a small text tower learns to read: the package's own words for an ECG, and what else people call them."""

from collections.abc import Iterable

from ...clinical.other_words import read_other_words
from ...clinical.prompts import PromptSet, lead_texts, load_prompts, prompt_set_names
from ...clinical.snomed import CORPORA, snomed_meanings
from ...clinical.waveform_features import WAVEFORM_FEATURES

# Words around a finding that change nothing in it.
FRAMES = ("{} is present", "ECG shows {}", "patient with {}", "evidence of {}", "possible {}", "probable {}")
# The teacher reads English.
_ENGLISH = "en"
# Prompt sets whose classes are codes of SCP statements or their groups.
_STATEMENTS = "ptb_xl"
# Sets that are younger than the tower in the package, which would not be made again with their words.
_YOUNGER = ("ptb_xl_held_out_second",)
_LONGEST_PHRASE = 4


def clinical_sentences() -> list[str]:
    """The English prompts, waveform features and names of SNOMED codes of the package, sorted.

    Example:
        >>> from hf_ecg.studies.pretrained_models.clinical_texts import clinical_sentences
        >>> "atrial fibrillation" in clinical_sentences()
        True
    """
    return sorted({*_prompts(), *_features(), *_snomed()})


def clinical_texts() -> dict[str, str]:
    """Text -> the text whose meaning it has, itself for most: what a text tower is distilled on.

    Beside the sentences: "... in lead II" and the like, the words of a sentence by one to four, sentences in frames
    such as "ECG shows ...", and other words for a statement (`clinical/other_words.csv`, the acronyms of the corpora),
    as far as they mean one statement.
    """
    sentences = clinical_sentences()
    texts = {text: text for sentence in sentences for text in lead_texts(sentence)}
    texts |= {phrase: phrase for sentence in sentences for phrase in _phrases(sentence)}
    texts |= {frame.format(sentence): sentence for sentence in sentences for frame in FRAMES}
    # lower case is what a tokenizer sees: "ST" and "st" are one text
    known, own = {text.lower() for text in texts}, {sentence.lower() for sentence in sentences}
    texts |= {word: meaning for word, meaning in _acronyms().items() if word.lower() not in known}
    return texts | {word: meaning for word, meaning in read_other_words().items() if word.lower() not in own}


def _sets() -> list[PromptSet]:
    """Those in English, by name."""
    sets = [load_prompts(name) for name in prompt_set_names() if name not in _YOUNGER]
    return [one for one in sets if one.language == _ENGLISH]


def _prompts() -> Iterable[str]:
    return (text for one in _sets() for texts in one.classes.values() for text in texts)


def _features() -> Iterable[str]:
    return (row.feature for row in WAVEFORM_FEATURES)


def _snomed() -> Iterable[str]:
    return (meaning.sentence for corpus in CORPORA for meaning in snomed_meanings(corpus).values())


def _acronyms() -> dict[str, str]:
    """Codes of classes and acronyms -> what they stand for, without those that mean several things."""
    found: dict[str, set[str]] = {}
    for corpus in CORPORA:
        for meaning in snomed_meanings(corpus).values():
            for word in (meaning.acronym, *meaning.also):
                found.setdefault(word, set()).add(meaning.sentence)
    for prompts in _sets():
        if prompts.name.startswith(_STATEMENTS):
            for code, texts in prompts.classes.items():
                # the code of a statement has one text, a group of statements several
                found.setdefault(code, set()).update(texts)
    return {word: next(iter(meanings)) for word, meanings in sorted(found.items()) if len(meanings) == 1}


def _phrases(sentence: str) -> Iterable[str]:
    words = sentence.split()
    for length in range(1, min(_LONGEST_PHRASE, len(words) - 1) + 1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])
