"""Which word a figure may carry (label-text or zero-shot) and which rows a model may be judged on.

A training run leaves `training_facts.json` in its folder; without it nothing can be claimed but label-text.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers.utils import logging

from ..checks import nearest
from ..clinical.scp import STATEMENT_LABEL_SETS
from ..data.corpus import corpus_name, find_config
from ..strict_json import read_json_object
from ..trained_on import FACTS_FILE as FACTS_FILE

logger = logging.get_logger(__name__)

LABEL_TEXT, ZERO_SHOT, SUPERVISED = "label-text", "zero-shot", "supervised"


@dataclass(frozen=True)
class SourceFacts:
    """What weights have seen of one corpus.

    Args:
        corpus, config: path or id of the corpus, and its configuration.
        text_column: column of the training texts.
        text_source: "statements" when the texts were composed from them, "report" when they are original reports.
        hold_out: codes of the statements whose every mention was removed from the texts.
        withhold: which statements were left out of the texts of some patients, in words.
        train_folds, validation_folds: folds that the weights, or the choice of the best epoch, depend on.
        label_sets, targets: columns of the labels, or of the numbers.
        risk: what a contrastive loss compared patients by, in words.
        features: where the truth of waveform features as texts of their own came from, in words.
        metadata: what else of the patients pretraining knew, in words.
        simulated: nobody recorded its signals.
        records: how many were trained on; None where it is not known.
    """

    corpus: str | None = None
    config: str | None = None
    text_column: str | None = None
    text_source: str | None = None
    hold_out: tuple[str, ...] = ()
    withhold: str | None = None
    train_folds: tuple[int, ...] = ()
    validation_folds: tuple[int, ...] = ()
    label_sets: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    risk: str | None = None
    features: str | None = None
    metadata: str | None = None
    simulated: bool = False
    records: int | None = None

    @property
    def original_reports(self) -> bool:
        """Whether the training texts are reports as written, not texts composed from statements."""
        return self.text_column == "report" or (self.text_source or "").lower().startswith(("report", "original"))

    @property
    def name(self) -> str:
        """The configuration, or the corpus's folder where there is no configuration to name."""
        return self.config or Path(self.corpus or "unknown").name

    def taught(self) -> tuple:
        """Everything that was learnt beside waveforms, risk and metadata."""
        texts = self.text_column, self.text_source, self.hold_out, self.withhold, self.features
        return *texts, self.label_sets, self.targets

    def same_rows(self, other: "SourceFacts") -> bool:
        """Whether both are the same configuration; the same path where neither names one."""
        return self.config == other.config and (self.config is not None or self.corpus == other.corpus)


@dataclass(frozen=True)
class TrainingFacts:
    """What a model was trained on.

    Args:
        method: by which it was trained, as a recipe names it.
        seed: of the run.
        sources: an entry for each corpus that the weights have seen, those of the pretrained weights that the run
            began with included.
        trained_texts: every sentence of the training texts and every waveform feature that was a text of its own,
            sorted; None when it is not known, or there were too many to list.
    """

    method: str | None = None
    seed: int | None = None
    sources: tuple[SourceFacts, ...] = ()
    trained_texts: tuple[str, ...] | None = None

    @classmethod
    def from_dict(cls, values: dict, where: str = FACTS_FILE) -> "TrainingFacts":
        """Facts as `to_dict` gave them; null is a key's default.

        Args:
            values: plain mapping, as JSON has it.
            where: it comes from, for the errors.

        Raises:
            ValueError: unknown keys, those of an earlier version, or values of another type.
        """
        earlier = sorted(set(values) & {field.name for field in dataclasses.fields(SourceFacts)})
        if earlier:
            raise ValueError(
                f"{where} was written by an earlier version: {', '.join(earlier)} stand at the top, and are now in"
                " `sources: [...]`, an entry for each corpus; train again or rewrite it"
            )
        _check_keys(values, cls, where)
        sources = [] if values.get("sources") is None else values["sources"]
        if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
            raise ValueError(f"{where}: sources is {sources!r}, wanted a list of objects")
        made = []
        for number, source in enumerate(sources):
            place = f"{where}: sources[{number}]"
            _check_keys(source, SourceFacts, place)
            made.append(SourceFacts(**{key: _fact(place, key, value) for key, value in source.items()}))
        own = {key: _fact(where, key, value) for key, value in values.items() if key != "sources"}
        return cls(**own, sources=tuple(made))

    def to_dict(self) -> dict:
        """Plain mapping with every key, as `training_facts.json` holds it."""
        sources = [
            {key: list(value) if isinstance(value, tuple) else value for key, value in vars(source).items()}
            for source in self.sources
        ]
        texts = None if self.trained_texts is None else list(self.trained_texts)
        return {"method": self.method, "seed": self.seed, "sources": sources, "trained_texts": texts}

    def merge(self, sources: Iterable[SourceFacts]) -> "TrainingFacts":
        """These facts with what pretrained weights saw.

        An entry of the same corpus and configuration joins ours: the folds are united, words on risk and on metadata
        put behind each other. One that was taught something else there (other texts, labels) stays an entry of its
        own, so that it is not forgotten.
        """
        merged = list(self.sources)
        for source in sources:
            silent = source.taught() == SourceFacts().taught()
            places = [
                place
                for place, ours in enumerate(merged)
                if ours.same_rows(source) and (silent or ours.taught() == source.taught())
            ]
            if not places:
                merged.append(source)
                continue
            ours = merged[places[0]]
            merged[places[0]] = dataclasses.replace(
                ours,
                train_folds=tuple(sorted({*ours.train_folds, *source.train_folds})),
                validation_folds=tuple(sorted({*ours.validation_folds, *source.validation_folds})),
                risk=_joined_words(ours.risk, source.risk),
                metadata=_joined_words(ours.metadata, source.metadata),
                simulated=ours.simulated or source.simulated,
                # how far they overlap is not known
                records=max((count for count in (ours.records, source.records) if count), default=None),
            )
        return dataclasses.replace(self, sources=tuple(merged))

    def of(self, config: str | None) -> tuple[SourceFacts, ...]:
        """The entries of a configuration's corpus, at whatever rate; those that do not name theirs are among them."""
        return tuple(source for source in self.sources or (SourceFacts(),) if same_corpus(source, config))

    def folds(self, config: str | None) -> tuple[frozenset[int], frozenset[int]]:
        """Folds of a configuration's corpus that the weights were trained on, and that they were selected on."""
        own = self.of(config)
        train = frozenset(fold for source in own for fold in source.train_folds)
        return train, frozenset(fold for source in own for fold in source.validation_folds)

    @property
    def label_sets(self) -> tuple[str, ...]:
        """Label sets of all sources, each once."""
        return tuple(dict.fromkeys(name for source in self.sources for name in source.label_sets))


def read_training_facts(folder: str | Path) -> TrainingFacts | None:
    """Facts of a model folder, or of the run around an `encoder` folder; None when there are none.

    Raises:
        ValueError: the file is not a JSON object, has unknown keys or those of an earlier version, or values of
            another type.
    """
    folder = Path(folder)
    candidates = [folder / FACTS_FILE]
    if folder.resolve().name == "encoder":
        candidates.append(folder.resolve().parent / FACTS_FILE)
    path = next((candidate for candidate in candidates if candidate.is_file()), None)
    if path is None:
        return None
    return TrainingFacts.from_dict(read_json_object(path), str(path))


_LISTS = {
    **dict.fromkeys(("hold_out", "label_sets", "targets", "trained_texts"), str),
    **dict.fromkeys(("train_folds", "validation_folds"), int),
}

_KINDS: dict[str, type] = {"seed": int, "records": int, "simulated": bool}


def _check_keys(values: dict, kind: type, where: str) -> None:
    known = [field.name for field in dataclasses.fields(kind)]
    for key in values:
        if key not in known:
            raise ValueError(f"{where} holds {key!r}{nearest(key, known)}, wanted keys among {known}")


def _fact(where: str, key: str, value):
    if key not in _LISTS:
        kind = _KINDS.get(key, str)
        if value is None and kind is bool:
            return False
        if value is not None and type(value) is not kind:
            raise ValueError(f"{where}: {key} is {value!r}, wanted {kind.__name__} or null")
        return value
    if value is None:
        return None if key == "trained_texts" else ()
    if not isinstance(value, list) or any(type(item) is not _LISTS[key] for item in value):
        raise ValueError(f"{where}: {key} is {value!r}, wanted a list of {_LISTS[key].__name__}")
    return tuple(value)


def same_corpus(source: SourceFacts, config: str | None) -> bool:
    """Whether the evaluated configuration is of the corpus trained on; True when either is not known."""
    ours, theirs = corpus_name(source.config), corpus_name(config)
    return ours is None or theirs is None or ours == theirs


def class_protocols(facts: TrainingFacts | None, prompt_set, config: str | None) -> dict[str, str]:
    """The word each class of a prompt set may carry for a model with these facts.

    A class is zero-shot when no source of the evaluated corpus taught it, in words or as a label. A source of
    waveforms alone taught nothing, as long as the model has its words from another one.
    """
    if facts is None:
        return dict.fromkeys(prompt_set.classes, LABEL_TEXT)
    with_texts = any(source.text_column is not None for source in facts.sources)
    teachers = [
        source
        for source in facts.of(config)
        if not source.original_reports and (source.text_column or source.label_sets or not with_texts)
    ]
    statements = prompt_set.label_set in STATEMENT_LABEL_SETS
    held_out = [set(source.hold_out) if statements and not source.label_sets else set() for source in teachers]
    return {name: ZERO_SHOT if all(name in codes for codes in held_out) else LABEL_TEXT for name in prompt_set.classes}


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
        sources = [source for entry in facts if entry for source in entry.sources]
        held_out = sorted({code for source in sources for code in source.hold_out})
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
    seen, selected = (sorted(folds & used) for used in facts.folds(config))
    told = {"trained": seen, "selected": selected}
    words = " and ".join(f"{how} on folds {found}" for how, found in told.items() if found)
    if words:
        raise ValueError(
            f"{folder} was {words} of those to be evaluated, {sorted(folds)}; --allow_training_folds evaluates all the"
            " same"
        )


def check_source_folds(sources: Sequence[SourceFacts]) -> None:
    """Refuses a run whose training folds are folds that it selects on.

    Args:
        sources: of the run, with their folds. One corpus may be there twice, at two rates: its folds hold the same
            patients. A configuration that is not named is looked up where the corpus is.

    Raises:
        ValueError: a fold of a corpus is among the training folds of one source and the validation folds of another,
            or of the same one.
        OSError: no configuration is named, and the corpus is not there to be asked.
    """
    configs = [source.config or (find_config(source.corpus) if source.corpus else None) for source in sources]
    for trained, training in zip(configs, sources, strict=True):
        for selected, selecting in zip(configs, sources, strict=True):
            shared = sorted(set(training.train_folds) & set(selecting.validation_folds))
            if shared and corpus_name(trained) == corpus_name(selected):
                raise ValueError(
                    f"folds {shared} of {corpus_name(trained) or 'one corpus'} are trained on as {trained}"
                    f" ({training.corpus}) and selected on as {selected} ({selecting.corpus}): these are the same"
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


def _joined_words(*facts: str | None) -> str | None:
    words = [each for fact in facts for each in (fact or "").split("; ") if each]
    return "; ".join(dict.fromkeys(words)) or None
