"""Prompts of the classes of a label set, read from YAML or from MERL's JSON; texts for one lead after the other."""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from ..checks import NEAR, nearest
from ..signals.leads import STANDARD_LEADS
from ..strict_json import read_json_object
from ..strict_yaml import load_yaml
from .scp import CODES, STATEMENT_LABEL_SETS

FOLDER = Path(__file__).parent / "prompts"
AGGREGATES = ("max", "noisy_or", "mean")
# Share of equal letters from which a text is a slip for the name of a prompt set.
_SLIP = 0.85
_KEYS = ("label_set", "language", "aggregate", "source", "classes")
_OPTIONAL = ("statements",)
# A label set of many corpora, each with its own codes.
_OF_SEVERAL_CORPORA = "statements"


@dataclass(frozen=True)
class PromptSet:
    """Texts that stand for the classes of a label set.

    `aggregate` says how the scores of a class's prompts become one: the largest cosine ("max"), the mean cosine
    ("mean"), or the probability that at least one holds ("noisy_or"). `statements` says which SCP statements a class
    is, or gathers; a class of SCP statements (label sets `all`, `diagnostic`, `form`, `rhythm`) is named by its own.
    """

    name: str
    label_set: str
    language: str
    aggregate: str
    source: str
    classes: dict[str, list[str]]
    statements: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def codes(self, class_name: str) -> tuple[str, ...]:
        """SCP statements of a class; empty when it is not known which they are.

        Example:
            >>> load_prompts("cpsc2018").codes("VPC"), load_prompts("ptb_xl_form").codes("PVC")
            (('PVC',), ('PVC',))
        """
        if class_name in self.statements:
            return tuple(self.statements[class_name])
        return (class_name,) if self.label_set in STATEMENT_LABEL_SETS and class_name in CODES else ()

    def words(self, class_name: str) -> str:
        """What a class's code says, in English words; "" where that is not known."""
        texts = self.classes[class_name]
        if len(texts) == 1 and self.language == "en":
            return texts[0]
        return class_words(self.label_set).get(class_name, "")

    def for_classes(self, class_names: Iterable[str]) -> "PromptSet":
        """The prompts of these classes, in their order; those of other classes are left out.

        Raises:
            ValueError: classes that are named twice, or have no prompts here.
        """
        class_names = list(class_names)
        twice = [name for name, count in Counter(class_names).items() if count > 1]
        absent = [name for name in class_names if name not in self.classes]
        if twice or absent:
            raise ValueError(
                f"prompt set {self.name}: classes without prompts {absent}, named twice {twice}; it has prompts for "
                f"{list(self.classes)}"
            )
        statements = {name: codes for name, codes in self.statements.items() if name in class_names}
        return replace(self, classes={name: self.classes[name] for name in class_names}, statements=statements)


def lead_texts(text: str, leads: Sequence[str] = STANDARD_LEADS) -> list[str]:
    """The text, then "text in lead I", "text in lead II" ...: FG-CLEP's ensemble (arXiv 2505.11939).

    A text that names leads itself ("ischemic ST-T changes in inferior leads") stays alone.
    """
    if re.search(r"\bleads?\b", text, re.IGNORECASE):
        return [text]
    return [text, *(f"{text} in lead {lead}" for lead in leads)]


def prompt_set_names() -> list[str]:
    """The prompt sets of the package, sorted."""
    return sorted(file.stem for file in FOLDER.glob("*.yaml"))


@lru_cache(maxsize=32)
def class_words(label_set: str) -> Mapping[str, str]:
    """What the class codes of a label set say, in English words: 1AVB -> "first degree AV block".

    Of the package's prompt sets that give a class one text; those of names come first. A label set of somebody's own
    may use the same letters for something else, and has no words here. Nor has a code that means one thing in one
    corpus and another in the next, where both have that label set ("AF" of `statements`).

    Args:
        label_set: column of a corpus, such as "rhythm".
    """
    sets = [load_prompts(name) for name in sorted(prompt_set_names(), key=lambda name: not name.endswith("_names"))]
    english = [prompts for prompts in sets if prompts.language == "en"]
    words: dict[str, str] = {}
    for prompts in english:
        # a class of these is one statement, whose code is the same in all of them
        statements = {label_set, prompts.label_set} <= set(STATEMENT_LABEL_SETS)
        if label_set == prompts.label_set or statements:
            words = {code: texts[0] for code, texts in prompts.classes.items() if len(texts) == 1} | words
    if label_set == _OF_SEVERAL_CORPORA:
        words = {code: text for code, text in words.items() if _means_one_thing(code, english)}
    return MappingProxyType(words)


def _means_one_thing(code: str, sets: Sequence[PromptSet]) -> bool:
    meanings = [set(prompts.codes(code)) for prompts in sets if code in prompts.classes]
    return all(meanings[0] & other or meanings[0] == other for other in meanings)


def class_in_words(code: str, label_set: str) -> str:
    """A class as a reader wants it: "1AVB: first degree AV block", or the code alone where it has no other words.

    Example:
        >>> from hf_ecg.clinical.prompts import class_in_words
        >>> class_in_words("AFIB", "rhythm"), class_in_words("AFIB", "my_labels")
        ('AFIB: atrial fibrillation', 'AFIB')
    """
    words = class_words(label_set).get(code, "")
    return f"{code}: {words}" if words and words.lower() != code.lower() else code


def meant_prompt_set(text: str) -> str | None:
    """The prompt set whose name a text is, or is a slip for; None for a text.

    Near is a name of other signs between its words ("ptb-xl form"), one that differs in a letter or two, and a single
    word that begins as a name does and holds most of it ("ptbxl").
    """
    found = _letters(text)
    names = {name: _letters(name) for name in prompt_set_names()}
    alike = {name: difflib.SequenceMatcher(None, found, letters).ratio() for name, letters in names.items()}
    name = max(alike, key=lambda name: alike[name])
    begins = " " not in text.strip() and len(found) > 2 and found[:3] == names[name][:3]
    return name if alike[name] >= (NEAR if begins else _SLIP) else None


def check_texts_are_no_names(texts: Iterable[str], where: str) -> None:
    """Raises ValueError for a text that is the name of a prompt set, or a slip for one.

    Args:
        texts: what is to be encoded as it stands.
        where: what holds them, for the error.
    """
    for text in texts:
        meant = meant_prompt_set(text)
        if meant is not None:
            raise ValueError(
                f"{where} holds {text!r}, near to the name of the prompt set {meant!r}, wanted texts:"
                f" hf_ecg.clinical.prompts.load_prompts({meant!r}).classes has them"
            )


def _letters(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def load_prompts(name_or_path) -> PromptSet:
    """A prompt set of the package by its name, or any YAML file of the same form.

    A file may have `statements`: class -> its SCP statements, or the name of a prompt set of the package, whose
    statements are taken.

    Raises:
        ValueError: an unknown, missing or doubled key, a class without prompts, a prompt that is not a text or stands
            twice, statements of a class that is not there, or that are not SCP statements.
        OSError: neither a prompt set of the package nor a file.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        known = prompt_set_names()
        near = nearest(str(name_or_path), known)
        raise FileNotFoundError(
            f"{name_or_path} is neither a YAML file nor one of the prompt sets {', '.join(known)}{near}"
        )
    content = load_yaml(path.read_bytes(), str(path))
    if not isinstance(content, dict) or set(content) - set(_OPTIONAL) != set(_KEYS):
        found = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"{path} holds {found}, wanted exactly the keys {sorted(_KEYS)}, and {_OPTIONAL[0]} or not")
    if content["aggregate"] not in AGGREGATES:
        raise ValueError(f"{path}: aggregate is {content['aggregate']!r}, wanted one of {AGGREGATES}")
    for key in ("label_set", "language", "source"):
        if not isinstance(content[key], str) or not content[key].strip():
            raise ValueError(f"{path}: {key} is {content[key]!r}, wanted a text")
    classes = content["classes"]
    if not isinstance(classes, dict) or not classes:
        raise ValueError(f"{path}: classes is {classes!r}, wanted a mapping from class to prompts")
    for name, prompts in classes.items():
        texts = isinstance(prompts, list) and all(isinstance(text, str) and text.strip() for text in prompts)
        if not isinstance(name, str) or not texts or not prompts or len(set(prompts)) < len(prompts):
            raise ValueError(f"{path}: class {name!r} has the prompts {prompts!r}, wanted a list of distinct texts")
    given = content.pop("statements", {})
    if isinstance(given, str):
        if given not in prompt_set_names():  # which hold no circle
            raise ValueError(f"{path}: statements is {given!r}, wanted a mapping or a prompt set of the package")
        others = load_prompts(given).statements
        given = {name: list(others[name]) for name in classes if name in others}
    return PromptSet(name=path.stem, **content, statements=_statements(given, classes, path))


def _statements(given, classes: Mapping, path: Path) -> dict[str, tuple[str, ...]]:
    if not isinstance(given, dict):
        raise ValueError(f"{path}: statements is {given!r}, wanted a mapping from class to SCP statements")
    for name, codes in given.items():
        if name not in classes:
            raise ValueError(f"{path}: statements names the class {name!r}, which has no prompts")
        if not isinstance(codes, list) or not codes or len(set(map(str, codes))) < len(codes):
            raise ValueError(f"{path}: statements of {name!r} are {codes!r}, wanted a list of distinct SCP statements")
        if unknown := [code for code in codes if code not in CODES]:
            raise ValueError(f"{path}: statements of {name!r} hold {unknown}, which are not SCP statements")
    return {name: tuple(codes) for name, codes in given.items()}


def load_merl_prompts(path, label_set: str, class_names: Iterable[str]) -> PromptSet:
    """MERL's prompts (`CKEPE_prompt.json`: 131 names, one text each), for the classes of a label set.

    A name is matched as it is, else without the underscores that MERL takes off PTB-XL's ("_AVB", "ISC_"). Texts are
    put in lower case, as in its evaluation. Source: cheliu-computation/MERL-ICML2024, `utils/zeroshot_val.py`.

    Raises:
        ValueError: no JSON object of texts, a name that stands in it twice, classes that it does not have, or that
            have the same text.
        OSError: the file cannot be read.
    """
    path, texts = Path(path), read_json_object(path)
    wrong = [name for name, text in texts.items() if not isinstance(text, str) or not text.strip()]
    if wrong or not texts:
        raise ValueError(
            f"{path}: the prompts of {wrong or 'all classes'} are not texts, wanted one text for each name"
        )
    class_names = list(class_names)
    keys = {name: name if name in texts else name.strip("_") for name in class_names}
    absent = [name for name in class_names if keys[name] not in texts]
    counts = Counter(keys[name] for name in class_names)
    twice = sorted(name for name in set(class_names) if counts[keys[name]] > 1)
    if absent or twice:
        raise ValueError(
            f"{path}: classes of {label_set} without a prompt: {absent}; twice or with one prompt for two: {twice}; "
            f"it has {len(texts)} prompts: {', '.join(texts)}"
        )
    classes = {name: [texts[keys[name]].lower()] for name in class_names}
    source = "CKEPE_prompt.json of MERL (cheliu-computation/MERL-ICML2024), in lower case"
    return PromptSet(path.stem, label_set, "en", "max", source, classes)
