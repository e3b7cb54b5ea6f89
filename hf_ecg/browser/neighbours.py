"""Records to compare with: those of a prepared corpus, or simulated ones, by the model's embeddings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers.utils import logging

from ..models.shared.roles import ecg_encoder, is_dual_encoder
from ..saved_models import window_of
from ..signals.record import Record

# How many are embedded when the page starts: a few seconds on one core.
MOST_RECORDS = 500
SIMULATED_EACH = 4
SHOWN = 3

logger = logging.get_logger(__name__)


@dataclass(frozen=True)
class Neighbours:
    """Embedded records.

    Args:
        source: what they are, in words.
        embeds: float32 (records, size), unit length.
        records: a row or `Record` each, to be drawn.
        words: what is known of each.
    """

    source: str
    embeds: np.ndarray
    records: Sequence[Any] = field(repr=False)
    words: Sequence[str] = field(repr=False)

    @classmethod
    def of(cls, classify, corpus: str | None, simulated: bool) -> "Neighbours | None":
        """Embeds the first `MOST_RECORDS` of a corpus, or simulated records; None where neither is wanted.

        Raises:
            ValueError, OSError: the corpus cannot be read, or the model reads none of its records.
        """
        if corpus is None and not simulated:
            return None
        if corpus is None:
            records, words = _simulated()
            source = "simulated records: nobody was recorded"
        else:
            records, words, source = _of_corpus(corpus)
        kept, embeds = [], []
        for place, record in enumerate(records):
            try:
                embeds.append(embedding_of(classify, record))
            except ValueError:  # a row that the model does not read is not a neighbour
                continue
            kept.append(place)
        if not kept and corpus is not None:
            raise ValueError(f"{source}: the model reads none of its {len(records)} records, so none is a neighbour")
        if len(kept) < len(records):
            refused = len(records) - len(kept)
            logger.warning("%s: the model does not read %d of %d records", source, refused, len(records))
        if not kept:
            return None
        return cls(source, np.stack(embeds), [records[place] for place in kept], [words[place] for place in kept])

    def nearest(self, classify, record: Record) -> list[dict]:
        """The `SHOWN` nearest: `record`, `words` and `cosine`, the nearest first."""
        cosines = self.embeds @ embedding_of(classify, record)
        places = np.argsort(-cosines)[:SHOWN]
        return [
            {"record": self.records[place], "words": self.words[place], "cosine": float(cosines[place])}
            for place in places
        ]


def embedding_of(classify, record) -> np.ndarray:
    """float32 (size,), unit length: of a dual encoder in the space of its texts, else of the encoder.

    Raises:
        ValueError: what the feature extractor refuses.
    """
    model, extractor = classify.model, classify.feature_extractor
    inputs = dict(extractor(record, window=window_of("all", extractor, model), return_tensors="pt"))
    inputs.pop("record_index", None)
    inputs = {name: values.to(model.device) for name, values in inputs.items()}
    with torch.no_grad():
        get = model.get_ecg_features if is_dual_encoder(model) else ecg_encoder(model)
        found = nn.functional.normalize(get(**inputs).pooler_output.float(), dim=-1).mean(dim=0)
    return nn.functional.normalize(found, dim=0).cpu().numpy()


def _simulated() -> tuple[list[Record], list[str]]:
    from ..simulation import CONDITIONS, simulate_ecg

    records, words = [], []
    for number, condition in enumerate(name for name in CONDITIONS for _ in range(SIMULATED_EACH)):
        ecg = simulate_ecg([condition], sampling_rate=100, seed=[7, number])
        comments = ["simulated: no patient was recorded"]
        records.append(Record("simulated", ecg.signal, None, None, ecg.leads, ecg.sampling_rate, comments))
        words.append(condition.replace("_", " "))
    return records, words


def _of_corpus(corpus: str) -> tuple[list[Mapping], list[str], str]:
    from ..data.corpus import load_corpus
    from ..data.corpus_card import is_simulated
    from ..data.rows import SIGNAL_COLUMNS, RowDataset

    dataset = load_corpus(corpus)
    every = np.unique(np.linspace(0, len(dataset) - 1, min(len(dataset), MOST_RECORDS)).astype(int))
    dataset = dataset.select(every)
    rows = RowDataset(dataset, SIGNAL_COLUMNS)
    # no record_id: it may be a name
    records = [{key: value for key, value in rows[place].items() if key != "record_id"} for place in range(len(rows))]
    texts = dataset["text"] if "text" in dataset.column_names else [""] * len(dataset)
    made = "simulated" if is_simulated(corpus) else "real"
    return records, [text or "" for text in texts], f"{len(rows)} {made} records of the corpus given to this page"
