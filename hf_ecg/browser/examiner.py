"""What a model and its tools say of one record: no page yet, no file any more."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..explanation import Explanation, explain
from ..lead_costs import lead_cost
from ..models.shared.roles import model_role
from ..pipeline_parts import origin_of, task_of
from ..pipelines import pipeline
from ..pretrained_models import model_source
from ..processing import ECGTextProcessor
from ..saved_models import window_of
from ..signals.record import Record
from ..trained_on import trained_on_note
from .neighbours import Neighbours

# Asked where nobody says what to ask: what texts of training say often.
USUAL_TEXTS = (
    "sinus rhythm",
    "atrial fibrillation",
    "left bundle branch block",
    "right bundle branch block",
    "left ventricular hypertrophy",
    "myocardial infarction",
    "first degree av block",
    "ventricular premature complex",
)
MOST_TEXTS, LONGEST_TEXT = 20, 200
RESEARCH = "Research use only. Not a medical device: do not use it to treat anybody."


@dataclass(frozen=True)
class Examiner:
    """A loaded model that answers about records.

    Args:
        name: of the model, as a person says it.
        classify: its pipeline.
        note: what it learned from, where that is a reason for doubt.
        neighbours: records to compare with, or None.
    """

    name: str
    classify: Any
    note: str | None
    neighbours: Neighbours | None = None

    @classmethod
    def of(cls, model: str, corpus: str | None = None, simulated: bool = True) -> "Examiner":
        """Loads a classifier or a dual encoder.

        Args:
            model: a model inside the package, a folder, or a Hub id.
            corpus: folder of a prepared corpus, whose records are compared with.
            simulated: without a corpus compare with simulated records.

        Raises:
            ValueError: a model that gives no answers.
            OSError: it is not there.
        """
        source = model_source(str(model))
        classify = pipeline(task_of(source), source)
        role = model_role(classify.model)
        if role not in ("classifier", "dual encoder"):
            raise ValueError(f"{model} is a {role}, wanted a classifier or a dual encoder, which answer questions")
        kept = Neighbours.of(classify, corpus, simulated)
        # the path of a folder is this machine's own matter
        name = Path(source).name if Path(source).is_dir() else str(model)
        return cls(name, classify, trained_on_note(source), kept)

    @property
    def asks_in_words(self) -> bool:
        return model_role(self.classify.model) == "dual encoder"

    @property
    def gives_values(self) -> bool:
        """A regression, whose answers are numbers in their own units."""
        return not self.asks_in_words and self.classify.model.config.problem_type == "regression"

    @property
    def first_line(self) -> str:
        """Research use, and what the model is made of: a toy of simulated ECGs, or real ones."""
        if self.note is None:
            learned = f"{self.name}: nothing is known of what it learned from."
        elif "simulated" in self.note:
            learned = f"A toy: {self.note}."
        else:
            learned = f"Learned from real ECGs: {self.note}."
        return f"{RESEARCH} {learned}"

    def answers(self, record: Record, texts: Sequence[str] = ()) -> list[dict]:
        """`label`, `score` and what else the pipeline says, the highest first.

        Raises:
            ValueError: what the pipeline refuses, too many texts or too long ones.
        """
        options: dict = {"window": window_of("all", self.classify.feature_extractor, self.classify.model)}
        if not self.asks_in_words:
            return self.classify(record, **options, **({} if self.gives_values else {"top_k": None}))
        return self.classify(record, candidate_labels=list(texts or USUAL_TEXTS), **options)

    def absent_leads(self, record: Record) -> str | None:
        """What the model reads and the record lacks, and what that cost it where it was measured; None where nothing.

        Raises:
            ValueError: what the feature extractor refuses.
        """
        model, extractor = self.classify.model, self.classify.feature_extractor
        prepared = extractor(record, window=window_of("all", extractor, model), return_tensors="np")
        there = np.asarray(prepared["lead_mask"]).any(axis=0)
        if there.all() or len(there) != len(extractor.leads):
            return None
        present = [lead for lead, seen in zip(extractor.leads, there, strict=True) if seen]
        absent = [lead for lead in extractor.leads if lead not in present]
        told = f"The model reads {len(there)} leads, and this ECG has no {', '.join(absent)}."
        source, revision = origin_of(model)
        cost = lead_cost(source, present, revision)
        return told if cost is None else f"{told} What that cost on other records: {cost}."

    def why(self, record: Record, asked: str, method: str) -> Explanation:
        """See `hf_ecg.explain`."""
        model, extractor = self.classify.model, self.classify.feature_extractor
        if not self.asks_in_words:
            return explain(record, (model, extractor), class_name=asked, method=method)
        processor = ECGTextProcessor(extractor, self.classify.tokenizer)
        return explain(record, (model, processor), text=asked, method=method)

    def nearest(self, record: Record) -> list[dict]:
        """See `Neighbours.nearest`; none without neighbours."""
        return [] if self.neighbours is None else self.neighbours.nearest(self.classify, record)


def texts_of(words: str) -> list[str]:
    """What a person typed, a text each line or between semicolons.

    Raises:
        ValueError: more texts than `MOST_TEXTS`, or a longer one than `LONGEST_TEXT` letters.

    Example:
        >>> from hf_ecg.browser.examiner import texts_of
        >>> texts_of("sinus rhythm; atrial fibrillation")
        ['sinus rhythm', 'atrial fibrillation']
    """
    texts = list(dict.fromkeys(text.strip() for text in words.replace(";", "\n").splitlines() if text.strip()))
    if len(texts) > MOST_TEXTS:
        raise ValueError(f"{len(texts)} texts were typed, wanted {MOST_TEXTS} at most")
    long = next((text for text in texts if len(text) > LONGEST_TEXT), None)
    if long:
        raise ValueError(f"a text has {len(long)} letters, wanted {LONGEST_TEXT} at most")
    return texts
