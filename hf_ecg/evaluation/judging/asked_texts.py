"""Which texts a class is asked by: its prompts, in leads or not, and the waveform features of its statements.

A text that no training text holds lies where it falls in the space of texts, and a class that takes the best of many
prompts is decided by it; so such texts are left out of a class that has others, and named.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from transformers.utils import logging

from ...clinical.descriptions import Description, describe
from ...clinical.prompts import PromptSet, lead_texts
from ..options import NAMES
from ..protocol import TrainingFacts

logger = logging.get_logger(__name__)


class TrainedTexts:
    """The texts that a model was trained on.

    Args:
        texts: of the training; None when they are not known.
    """

    def __init__(self, texts: Iterable[str] | None):
        self._texts = None if texts is None else [text.lower() for text in texts]
        self._asked: dict[str, bool] = {}

    @property
    def known(self) -> bool:
        """Whether there is a record of them; without one, any text may have been among them."""
        return self._texts is not None

    @cached_property
    def _whole(self) -> str:
        return "\n".join(self._texts)

    def holds(self, text: str) -> bool:
        """Whether one of them is this text or says it in whole words, letter case aside; True when none is known.

        Example:
            >>> texts = TrainedTexts(["Sinus rhythm. possible left atrial overload/enlargement"])
            >>> [texts.holds(text) for text in ("sinus rhythm", "left atrial overload", "left atrial over")]
            [True, True, False]
        """
        if self._texts is None:
            return True
        text = text.lower()
        if text not in self._asked:
            self._asked[text] = any(
                not re.match(r"[\w-]", self._whole[start + len(text) :][:1])
                and not re.match(r"[\w-]", self._whole[max(0, start - 1) : start])
                for start in _places(self._whole, text)
            )
        return self._asked[text]

    @classmethod
    def of(cls, facts: TrainingFacts | None) -> "TrainedTexts":
        """Those that the training facts of a model list."""
        return cls(None if facts is None else facts.trained_texts)


UNKNOWN = TrainedTexts(None)


@dataclass(frozen=True)
class AskedClass:
    """One class: each prompt with its variants over leads, which count as their best; descriptions of statements."""

    prompts: tuple[tuple[str, ...], ...]
    descriptions: tuple[Description, ...]


@dataclass(frozen=True)
class AskedTexts:
    """What the classes of a prompt set are asked by.

    Args:
        prompt_set: they are from.
        classes: class -> its texts, in the prompt set's order.
        known: whether the model's training texts are known; without them nothing is left out.
        dropped: class -> prompts and features that are left out, since no training text holds them.
        not_trained: classes of whose prompts no training text holds any: they keep all of them.
        not_told: classes that have features, none of which a training text holds: they keep all of them.
        not_described: classes without a row in the table of waveform features: their descriptions are their names.
    """

    prompt_set: PromptSet
    classes: dict[str, AskedClass]
    known: bool = False
    dropped: dict[str, list[str]] | None = None
    not_trained: tuple[str, ...] = ()
    not_told: tuple[str, ...] = ()
    not_described: tuple[str, ...] = ()

    def texts(self, by: Sequence[str]) -> list[str]:
        """All texts that these ways to ask need, each once."""
        names = [text for one in self.classes.values() for group in one.prompts for text in group]
        features = [text for one in self.classes.values() for d in one.descriptions for text, _ in d.features]
        return list(dict.fromkeys([*names, *(features if set(by) - {NAMES} else [])]))

    def by_rarity(self, shares: Mapping[str, float]) -> "AskedTexts":
        """The same, with features that few records have weighing more, see `Description.by_rarity`."""
        classes = {
            name: replace(one, descriptions=tuple(told.by_rarity(shares) for told in one.descriptions))
            for name, one in self.classes.items()
        }
        return replace(self, classes=classes)

    def facts(self, by: Sequence[str]) -> dict:
        """What a report says of them."""
        told = {"trained_texts_known": self.known, "dropped": self.dropped or {}, "not_trained": [*self.not_trained]}
        if set(by) - {NAMES}:
            described = {
                name: {d.code: dict(d.features) for d in one.descriptions} for name, one in self.classes.items()
            }
            told |= {"descriptions": described, "not_told": [*self.not_told]}
            told |= {"not_described": [*self.not_described]}
        return told


def asked_texts(
    prompt_set: PromptSet, trained: TrainedTexts = UNKNOWN, ensemble: bool = False, all_prompts: bool = False
) -> AskedTexts:
    """The texts that a model is asked about the classes of a prompt set.

    Args:
        trained: texts that the model was trained on. A prompt, or a feature, that none of them holds is left out of a
            class that has others.
        ensemble: ask "X in lead L" beside "X", where the training texts name the lead so; where they are not known,
            of every prompt that does not name leads.
        all_prompts: leave nothing out.
    """
    classes, dropped, not_trained, not_told, not_described = {}, {}, [], [], []
    judged = UNKNOWN if all_prompts else trained
    for name, prompts in prompt_set.classes.items():
        held = [text for text in prompts if judged.holds(text)]
        descriptions = describe(prompt_set.codes(name))
        told = [description.only(filter(judged.holds, dict(description.features))) for description in descriptions]
        told = [description for description in told if description.features]
        if not held:
            not_trained.append(name)
        if descriptions and not told:
            not_told.append(name)
        if not descriptions:
            not_described.append(name)
        kept, kept_descriptions = held or prompts, told or descriptions
        features = [text for description in descriptions for text, _ in description.features]
        kept_features = {text for description in kept_descriptions for text, _ in description.features}
        left_out = [text for text in prompts if text not in kept]
        left_out += [text for text in dict.fromkeys(features) if text not in kept_features]
        if left_out:
            dropped[name] = left_out
        groups = tuple(_variants(text, trained) if ensemble else (text,) for text in kept)
        classes[name] = AskedClass(groups, tuple(kept_descriptions))
    found = map(tuple, (not_trained, not_told, not_described))
    return AskedTexts(prompt_set, classes, trained.known, dropped, *found)


def log_dropped(asked: Sequence[AskedTexts], by: Sequence[str] = (NAMES,)) -> None:
    """Says once which prompts of a model are left out, and which classes are told by their names alone."""
    for one in asked:
        left_out = {
            name: [text for text in texts if text in one.prompt_set.classes[name]]
            for name, texts in (one.dropped or {}).items()
        }
        words = [f"{name}: {', '.join(texts)}" for name, texts in left_out.items() if texts]
        if words:
            logger.warning(
                "%s: prompts that no training text of the model holds are left out (%s)",
                *(one.prompt_set.name, "; ".join(words)),
            )
        if one.not_described and set(by) - {NAMES}:
            logger.warning(
                "%s: %s have no features in the table, and are told by their names",
                *(one.prompt_set.name, ", ".join(one.not_described)),
            )


def _variants(text: str, trained: TrainedTexts) -> tuple[str, ...]:
    first, *others = lead_texts(text)
    return (first, *(variant for variant in others if trained.holds(variant)))


def _places(whole: str, part: str) -> Iterable[int]:
    start = whole.find(part)
    while start >= 0:
        yield start
        start = whole.find(part, start + 1)
