"""Questions to a retrieval index: ECGs by texts, texts by ECGs, ECGs by ECGs; and how well they are answered."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ...clinical.prompts import check_texts_are_no_names
from ...data.corpus import non_empty_text
from ...data.rows import RowDataset
from ...signals import read
from ...trained_on import tell_trained_on
from ..metrics.retrieval_metrics import retrieval_metrics
from ..options import DEFAULT_INTERVALS, IntervalOptions
from .features import ecg_text_embeddings
from .record_classes import record_embedding
from .retrieval import RetrievalIndex

# (words of the query, its hits, record_id -> the hits' ECGs, the query's ECG or None, entry) -> what is added to entry
Show = Callable[[str, list, dict, object, dict], dict]


@dataclass(frozen=True)
class Queries:
    """What is looked for.

    Args:
        texts: ECGs are found for them.
        records: paths of WFDB records; texts and ECGs are found for them.
        record_ids: records of the corpus, likewise.
        top_k: hits of a query.
        same_patient: also find other ECGs of the patient of a `record_id`.
        leads, rename: which channels of `records` are taken, under which names; see `hf_ecg.read`.
        window: which part of a long one is read; see `ECGFeatureExtractor`.
    """

    texts: Sequence[str] = ()
    records: Sequence[str] = ()
    record_ids: Sequence[str] = ()
    top_k: int = 4
    same_patient: bool = False
    leads: Sequence[str] | None = None
    rename: Mapping[str | int, str] | None = None
    window: str | float | None = None


class RetrievalSearch:
    """Asks an index.

    Args:
        index: of `build_index`.
        dataset: the rows that it was built of.
        model, processor: the dual encoder that it was built by.
        show: called with every answer, to tell or draw it; what it returns is added to the answer's entry.
    """

    def __init__(self, index: RetrievalIndex, dataset, model, processor, show: Show = lambda *answer: {}):
        tell_trained_on(model.name_or_path)
        self.index, self.model, self.processor, self.show = index, model, processor, show
        self.rows = RowDataset(dataset)
        self.places = {name: place for place, name in enumerate(dataset["record_id"])}

    def ask(self, queries: Queries) -> list[dict]:
        """An entry for every query and direction, with its hits, the best first.

        Raises:
            ValueError: an unknown `record_id`, the name of a prompt set in the place of a text, or a record that the
                feature extractor refuses.
            OSError: a record is not there.
        """
        entries = []
        check_texts_are_no_names(queries.texts, "the queries")
        for text in queries.texts:
            (hits,) = self.index.find_ecgs(ecg_text_embeddings(self.model, self.processor, [text]), queries.top_k)
            entries.append(self._entry({"query": text, "from": "text", "to": "ecg"}, hits, text))
        for path in queries.records:
            record = read(path, leads=queries.leads, rename=queries.rename)
            embedding, _ = record_embedding(self.model, self.processor, record, window=queries.window)
            entries += self._by_ecg(queries, Path(path).stem, "", record, embedding, None)
        for name in queries.record_ids:
            embedding, row = self.index.record(name)
            patient = None if queries.same_patient else row["patient_id"]
            entries += self._by_ecg(queries, name, row["text"], self._ecg(name), embedding[None], patient, name)
        return entries

    def _ecg(self, record_id: str) -> dict:
        return self.rows[self.places[record_id]]

    def _by_ecg(
        self, queries: Queries, name: str, text: str, ecg, embedding, patient: str | None, record_id=None
    ) -> list[dict]:
        words = f"{name}: {text}" if text else name
        asked = {"query": name, "from": "ecg", "text": text}
        (texts,) = self.index.find_texts(embedding, queries.top_k)
        # one more, for the query itself where its patient is not left out
        (ecgs,) = self.index.find_ecgs(embedding, queries.top_k + 1, False, [patient])
        ecgs = [hit for hit in ecgs if record_id is None or hit.record_id != record_id][: queries.top_k]
        found = [self._entry(asked | {"to": "text"}, texts, words, ecg)]
        if ecgs:
            left_out = {"patient_left_out": patient}
            found.append(self._entry(asked | {"to": "ecg"} | left_out, ecgs, words, ecg))
        return found

    def _entry(self, entry: dict, hits: list, words: str, ecg=None) -> dict:
        entry = entry | {"hits": [asdict(hit) for hit in hits]}
        drawn = {hit.record_id: self._ecg(hit.record_id) for hit in hits if hit.record_id is not None}
        return entry | self.show(words, hits, drawn, ecg, entry)


def retrieval_figures(
    index: RetrievalIndex, dataset, text_column: str = "text", intervals: IntervalOptions = DEFAULT_INTERVALS
) -> dict:
    """Recall and ranks among the records that have a text; see `retrieval_metrics`."""
    rows = non_empty_text(dataset, text_column)
    texts = index.texts["text"][:]
    number = {text: place for place, text in enumerate(texts)}
    ecgs = np.stack([index.record(name)[0] for name in rows["record_id"]])
    own = [number[text] for text in rows[text_column]]
    text_embeds = index.texts.get_index("embedding").faiss_index.reconstruct_n(0, len(texts))
    patients, replicates, seed = rows["patient_id"][:], intervals.replicates, intervals.seed
    found = retrieval_metrics(ecgs, text_embeds, own, patients, replicates=replicates, seed=seed)
    for way in found.values():
        # an index is of one model: what another seed would give is not in its intervals
        way["seeds"] = 1
    return found
