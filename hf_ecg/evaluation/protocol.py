"""Which word a figure may carry (label-text or zero-shot) and which rows a model may be judged on.

A training run leaves `training_facts.json` in its folder; without it nothing can be claimed but label-text.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers.utils import logging

from ..strict_json import read_json_object

logger = logging.get_logger(__name__)

FACTS_FILE = "training_facts.json"
LABEL_TEXT, ZERO_SHOT, SUPERVISED = "label-text", "zero-shot", "supervised"
# In these label sets a class is one statement; elsewhere it gathers several, of which only some may be held out.
STATEMENT_LABEL_SETS = ("all", "diagnostic", "form", "rhythm")


@dataclass(frozen=True)
class TrainingFacts:
    """What a model was trained on.

    Args:
        corpus, config: path or id of the corpus, and its configuration.
        text_column: column of the training texts.
        text_source: "statements" when the texts were composed from them, "report" when they are original reports.
        hold_out: codes of the statements whose every mention was removed from the texts.
        withhold: which statements were left out of the texts of some patients, in words.
        train_folds, validation_folds: folds that the weights, or the choice of the best epoch, depend on; those of
            the pretrained weights that a run began with are among them.
        label_sets, targets: columns of the labels, or of the numbers.
        risk: what a contrastive loss compared patients by, in words; of the pretrained weights too.
    """

    corpus: str | None = None
    config: str | None = None
    text_column: str | None = None
    text_source: str | None = None
    hold_out: tuple[str, ...] = ()
    withhold: str | None = None
    train_folds: tuple[int, ...] = ()
    validation_folds: tuple[int, ...] = ()
    seed: int | None = None
    label_sets: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    risk: str | None = None

    @property
    def original_reports(self) -> bool:
        """Whether the training texts are reports as written, not texts composed from statements."""
        return self.text_column == "report" or (self.text_source or "").lower().startswith(("report", "original"))


def read_training_facts(folder: str | Path) -> TrainingFacts | None:
    """Facts of a model folder, or of the run around an `encoder` folder; None when there are none.

    Raises:
        ValueError: the file is not a JSON object, has unknown keys, or values of another type.
    """
    folder = Path(folder)
    candidates = [folder / FACTS_FILE]
    if folder.resolve().name == "encoder":
        candidates.append(folder.resolve().parent / FACTS_FILE)
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        return None
    values = read_json_object(path)
    fields = TrainingFacts.__dataclass_fields__
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise ValueError(f"{path} holds {unknown}, wanted an object with keys among {sorted(fields)}")
    return TrainingFacts(**{key: _fact(path, key, value) for key, value in values.items()})


_LISTS = {"hold_out": str, "label_sets": str, "targets": str, "train_folds": int, "validation_folds": int}


def _fact(path: Path, key: str, value):
    if key not in _LISTS:
        kind = int if key == "seed" else str
        if value is not None and type(value) is not kind:
            raise ValueError(f"{path}: {key} is {value!r}, wanted {kind.__name__} or null")
        return value
    if value is None:
        return ()
    if not isinstance(value, list) or any(type(item) is not _LISTS[key] for item in value):
        raise ValueError(f"{path}: {key} is {value!r}, wanted a list of {_LISTS[key].__name__}")
    return tuple(value)


def corpus_name(config: str | None) -> str | None:
    """Name of the corpus a configuration belongs to: `ptb_xl_100hz` and `ptb_xl_500hz` hold the same records."""
    return re.sub(r"_\d+hz$", "", config) if config else None


def same_corpus(facts: TrainingFacts, config: str | None) -> bool:
    """Whether the evaluated configuration is of the corpus trained on; True when either is not known."""
    ours, theirs = corpus_name(facts.config), corpus_name(config)
    return ours is None or theirs is None or ours == theirs


def class_protocols(facts: TrainingFacts | None, prompt_set, config: str | None) -> dict[str, str]:
    """The word each class of a prompt set may carry for a model with these facts."""
    if facts is None:
        return dict.fromkeys(prompt_set.classes, LABEL_TEXT)
    if facts.original_reports or not same_corpus(facts, config):
        return dict.fromkeys(prompt_set.classes, ZERO_SHOT)
    held_out = set(facts.hold_out) if prompt_set.label_set in STATEMENT_LABEL_SETS else set()
    return {name: ZERO_SHOT if name in held_out else LABEL_TEXT for name in prompt_set.classes}


def task_protocol(
    facts: Sequence[TrainingFacts | None], prompt_set, config: str | None, claimed: str | None = None
) -> tuple[str, dict[str, str]]:
    """The word for a whole task, and for each class, over all seeds of a model.

    Args:
        claimed: the word asked for; None takes "zero-shot" when every class may carry it, else "label-text".

    Raises:
        ValueError: "zero-shot" is claimed for classes that were not held out of the training texts.
    """
    if claimed not in (None, LABEL_TEXT, ZERO_SHOT):
        raise ValueError(f"protocol is {claimed!r}, wanted {LABEL_TEXT!r} or {ZERO_SHOT!r}")
    each = [class_protocols(entry, prompt_set, config) for entry in facts]
    words = {
        name: ZERO_SHOT if all(words[name] == ZERO_SHOT for words in each) else LABEL_TEXT
        for name in prompt_set.classes
    }
    trained = [name for name, word in words.items() if word == LABEL_TEXT]
    if claimed == ZERO_SHOT and trained:
        reason = "; a model folder has no " + FACTS_FILE if None in facts else ""
        if prompt_set.label_set not in STATEMENT_LABEL_SETS:
            reason += (
                f"; a class of {prompt_set.label_set} gathers several statements, use one of {STATEMENT_LABEL_SETS}"
            )
        held_out = sorted({code for entry in facts if entry for code in entry.hold_out})
        raise ValueError(
            f"{prompt_set.name}: zero-shot is claimed for {trained}, whose statements were not held out of the "
            f"training texts (held out: {held_out}){reason}"
        )
    if claimed:
        return claimed, words
    return (LABEL_TEXT if trained else ZERO_SHOT), words


def check_folds(folder: str | Path, facts: TrainingFacts | None, config: str | None, folds: Iterable[int]) -> None:
    """Raises ValueError when a model would be judged on folds that it was trained or selected on."""
    if facts is None:
        logger.warning(f"{folder} has no {FACTS_FILE}: whether it was trained on the evaluated folds is not known")
        return
    folds = set(folds)
    if not same_corpus(facts, config):
        return
    seen, selected = sorted(folds & set(facts.train_folds)), sorted(folds & set(facts.validation_folds))
    if seen or selected:
        raise ValueError(
            f"{folder} was trained on folds {seen} and selected on folds {selected} of those to be evaluated, "
            f"{sorted(folds)}; --allow_training_folds evaluates all the same"
        )


def parse_folds(text: str) -> list[int]:
    """`"1-7,9"` -> [1, 2, 3, 4, 5, 6, 7, 9].

    Raises:
        ValueError: anything else, with what was found.
    """
    folds: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if match is None or int(match[2] or match[1]) < int(match[1]):
            raise ValueError(f"folds are {text!r}, wanted numbers and ranges such as 1-7 or 9,10")
        folds.update(range(int(match[1]), int(match[2] or match[1]) + 1))
    return sorted(folds)
