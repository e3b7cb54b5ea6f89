"""ECGs and texts found by each other: an index of a corpus by the embeddings of a dual encoder.

The index is FAISS's, through `datasets`; it comes with the extra `retrieval`.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from transformers.utils import logging

from ...data.rows import rows_fingerprint
from ...extras import install_words
from ...files import restore_folder
from ...locks import output_lock
from ...owned_folders import replace_ours
from ...strict_json import read_json_object
from ...version import __version__
from ..loading import extractor_of
from ..weights import tensors_digest
from .features import ecg_embeddings, ecg_text_embeddings
from .label_text import scale_and_bias

logger = logging.get_logger(__name__)

_ABOUT, _EMBEDDING = "index.json", "embedding"


@dataclass(frozen=True)
class Hit:
    """Something found.

    Args:
        text: of the record, or the text found.
        cosine: of the two embeddings.
        probability: that ECG and text are a pair, sigmoid(t cosine + b); None between two ECGs, which no loss ever
            compared, and for models trained with the softmax loss, whose cosines rank and are not probabilities.
        record_id, patient_id: of a record; None for a text.
        num_records: how many of the corpus have this text.
    """

    text: str
    cosine: float
    probability: float | None
    record_id: str | None
    patient_id: str | None
    num_records: int


class RetrievalIndex:
    """The records and the distinct texts of a corpus, searchable by embeddings.

    Args:
        ecgs: rows `record_id`, `patient_id`, `text`, with the FAISS index "embedding".
        texts: rows `text`, `num_records`, with the FAISS index "embedding".
        scale, bias: of the model, see `scale_and_bias`.
    """

    def __init__(self, ecgs: datasets.Dataset, texts: datasets.Dataset, scale: float, bias: float | None):
        self.ecgs, self.texts, self.scale, self.bias = ecgs, texts, scale, bias
        self._places = {name: place for place, name in enumerate(ecgs["record_id"])}
        self._counts = dict(zip(texts["text"], texts["num_records"], strict=True))
        patients = ecgs["patient_id"][:]
        # faiss takes no numpy integer for the number wanted
        self._most_of_a_patient = int(np.unique([str(name) for name in patients], return_counts=True)[1].max())

    def record(self, record_id: str) -> tuple[np.ndarray, dict]:
        """Embedding (projection_dim,) and row of a record of the corpus.

        Raises:
            ValueError: no such record.
        """
        if record_id not in self._places:
            raise ValueError(f"the index has no record {record_id!r}; it has {', '.join(list(self._places)[:5])} ...")
        place = self._places[record_id]
        return self.ecgs.get_index(_EMBEDDING).faiss_index.reconstruct(place), self.ecgs[place]

    def find_ecgs(
        self, queries: np.ndarray, top_k: int = 5, by_text: bool = True, without_patients=None
    ) -> list[list[Hit]]:
        """The records nearest to each query.

        Args:
            queries: unit-length embeddings (queries, projection_dim).
            by_text: whether the queries are texts; else they are ECGs, and there are no probabilities.
            without_patients: a patient for each query whose records are left out, or None.

        Raises:
            ValueError: `top_k` under 1, or another number of patients than of queries.
        """
        absent = [None] * len(queries) if without_patients is None else list(without_patients)
        if len(absent) != len(queries):
            raise ValueError(f"{len(absent)} patients to leave out for {len(queries)} queries")
        # as many more as the one who is left out may have
        more = self._most_of_a_patient if any(name is not None for name in absent) else 0
        found = []
        for rows, patient in zip(self._nearest(self.ecgs, queries, top_k, more), absent, strict=True):
            hits = [
                Hit(
                    row["text"],
                    cosine,
                    self.probability(cosine) if by_text else None,
                    row["record_id"],
                    row["patient_id"],
                    self._counts.get(row["text"], 0),
                )
                for cosine, row in rows
                if patient is None or row["patient_id"] != patient
            ]
            found.append(hits[:top_k])
        return found

    def find_texts(self, queries: np.ndarray, top_k: int = 5) -> list[list[Hit]]:
        """The distinct texts nearest to each query, unit-length ECG embeddings (queries, projection_dim).

        Raises:
            ValueError: `top_k` under 1.
        """
        return [
            [
                Hit(row["text"], cosine, self.probability(cosine), None, None, row["num_records"])
                for cosine, row in rows
            ]
            for rows in self._nearest(self.texts, queries, top_k)
        ]

    def probability(self, cosine: float) -> float | None:
        """sigmoid(scale * cosine + bias); None without a bias."""
        if self.bias is None:
            return None
        return float(np.exp(-np.logaddexp(0.0, -(self.scale * cosine + self.bias))))

    @staticmethod
    def _nearest(rows: datasets.Dataset, queries: np.ndarray, top_k: int, more: int = 0):
        if isinstance(top_k, bool) or top_k < 1:
            raise ValueError(f"top_k is {top_k!r}, wanted at least 1")
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if not len(queries):
            return
        number = min(top_k + more, len(rows))
        scores, examples = rows.get_nearest_examples_batch(_EMBEDDING, queries, k=number)
        for cosines, columns in zip(scores, examples, strict=True):
            names = list(columns)
            made = [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]
            yield list(zip([float(value) for value in cosines], made, strict=True))


def build_index(
    model,
    processor,
    dataset: datasets.Dataset,
    folder,
    text_column: str = "text",
    batch_size: int = 64,
    description: str | None = None,
) -> RetrievalIndex:
    """The index of a corpus, from its folder when it was made by these weights from these records, else made anew.

    Args:
        model, processor: a dual encoder.
        dataset: rows of a corpus.
        folder: where the index is kept; an index of other weights, records or texts there is replaced.
        text_column: the texts; records without one are found by ECGs and by texts all the same.
        batch_size: records a forward pass.
        description: title of the progress bar; None shows none.

    Raises:
        ValueError: no rows, no such column, or a folder that holds something else.
        ImportError: faiss is not installed.
    """
    _need_faiss()
    if text_column not in dataset.column_names:
        raise ValueError(f"the corpus has no column {text_column!r}; it has {dataset.column_names}")
    with output_lock(folder):
        return _made_or_loaded(model, processor, dataset, Path(folder), text_column, batch_size, description)


def _made_or_loaded(model, processor, dataset, folder: Path, text_column, batch_size, description) -> RetrievalIndex:
    restore_folder(folder)
    extractor = extractor_of(processor)
    about = {
        "weights": tensors_digest(model),
        "feature_extractor": json.loads(extractor.to_json_string()),
        "records": rows_fingerprint(dataset, ["patient_id", text_column]),
        "text_column": text_column,
        "hf_ecg_version": __version__,
    }
    if folder.is_dir() and any(folder.iterdir()):
        if not (folder / _ABOUT).is_file():
            raise ValueError(f"{folder} holds something that is not an index: name another folder")
        try:
            before = read_json_object(folder / _ABOUT)
            differ = [key for key in about if before.get(key) != about[key]]
            if not differ:
                return _load(folder, model)
            logger.warning("the index in %s is of other %s: it is made anew", folder, ", ".join(differ))
        except (ValueError, OSError, RuntimeError, pa.ArrowException) as error:  # faiss raises RuntimeError
            logger.warning("the index in %s is torn and is made anew: %s", folder, error)
    _save(folder, about, model, processor, dataset, text_column, batch_size, description)
    return _load(folder, model)


def _save(folder: Path, about: dict, model, processor, dataset, text_column, batch_size, description) -> None:
    texts = [text or "" for text in dataset.select_columns([text_column])[text_column][:]]
    distinct, counts = np.unique([text for text in texts if text.strip()], return_counts=True)
    if not len(distinct):
        raise ValueError(f"no record has a {text_column}")
    tables = {
        "ecgs": (
            {"record_id": dataset["record_id"][:], "patient_id": dataset["patient_id"][:], "text": texts},
            ecg_embeddings(model, processor, dataset, batch_size, description),
        ),
        "texts": (
            {"text": distinct.tolist(), "num_records": counts.tolist()},
            ecg_text_embeddings(model, processor, distinct.tolist(), batch_size),
        ),
    }

    def write(temporary: Path) -> None:
        for name, (columns, embeddings) in tables.items():
            table = datasets.Dataset.from_dict(columns)
            table.to_parquet(temporary / f"{name}.parquet")
            table.add_faiss_index_from_external_arrays(
                np.ascontiguousarray(embeddings, dtype=np.float32), _EMBEDDING, metric_type=_inner_product()
            )
            table.save_faiss_index(_EMBEDDING, str(temporary / f"{name}.faiss"))
        (temporary / _ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")

    replace_ours(folder, (rf"(ecgs|texts)\.(parquet|faiss)|{re.escape(_ABOUT)}",), write)


def _load(folder: Path, model) -> RetrievalIndex:
    tables = []
    for name in ("ecgs", "texts"):
        # not from_parquet, which would leave a copy in the cache of datasets for every index that was ever made
        table = datasets.Dataset.from_dict(pq.read_table(folder / f"{name}.parquet").to_pydict())
        table.load_faiss_index(_EMBEDDING, str(folder / f"{name}.faiss"))
        tables.append(table)
    return RetrievalIndex(*tables, *scale_and_bias(model))


def _need_faiss() -> None:
    try:
        import faiss  # noqa: F401
    except ImportError as error:
        raise ImportError(f"retrieval needs faiss: {install_words('faiss-cpu', 'retrieval')}") from error


def _inner_product() -> int:
    import faiss

    return faiss.METRIC_INNER_PRODUCT
