"""From rows to the batch a model's `forward` takes: waveforms, random views, tokens or labels."""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow.compute
import torch

from ..processing.step_base import check_positive_integer, nearest
from .corpus import label_names
from .rows import SIGNAL_COLUMNS
from .sentences import SentenceSampler
from .view_base import record_generator
from .views import apply_views, validate_views

# Beyond these a feature extractor's tensors describe the waveform as it was before the views.
_FOLLOW_VIEWS = {"input_values", "lead_mask", "sample_mask", "amplitude"}


class _WaveformCollator:
    """Rows to `input_values`, `lead_mask`, `sample_mask`, with random views.

    What happens to a record is a function of `(seed, row["epoch"], row["record_index"], view)`: not of the batch it is
    in, nor of the process that makes it.
    """

    def __init__(self, feature_extractor, views: Sequence[dict], seed: int):
        self.feature_extractor = feature_extractor
        self.views = validate_views(views, feature_extractor.sampling_rate)
        self.seed = seed
        outputs = set(feature_extractor.model_input_names)
        if "record_index" in outputs:
            raise ValueError(
                "the feature extractor makes several crops of a record: use the view random_crop to train"
            )
        if self.views and outputs - _FOLLOW_VIEWS:
            raise ValueError(f"views would contradict the feature extractor's {sorted(outputs - _FOLLOW_VIEWS)}")

    def _waveforms(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        batch = dict(self.feature_extractor(list(rows), return_tensors="pt"))
        if not self.views:
            return batch
        generators = [
            [self._generator(row, f"{position}:{view['name']}") for row in rows]
            for position, view in enumerate(self.views)
        ]
        made = apply_views(
            batch["input_values"],
            self.views,
            generators,
            lead_mask=batch["lead_mask"],
            sample_mask=batch["sample_mask"],
            sampling_rate=self.feature_extractor.sampling_rate,
        )
        batch |= made._asdict()
        if "amplitude" in batch:
            batch["amplitude"] = batch["amplitude"] * made.lead_mask[..., None]
        return batch

    def _generator(self, row: Mapping, view: str) -> torch.Generator:
        missing = [key for key in ("epoch", "record_index") if key not in row]
        if missing:
            raise ValueError(f"a row has no {' and no '.join(missing)}, which random views are a function of")
        return record_generator(self.seed, row["epoch"], row["record_index"], view)


class ECGTextCollator(_WaveformCollator):
    """Batches for an `ECGTextModel`: ECGs beside their texts.

    Args:
        processor: an `ECGTextProcessor`.
        views: see `hf_ecg.data.views.validate_views`.
        seed: of views and sentences.
        text_column: column of the texts.
        single_sentence_probability: with this probability a record's text is one of its sentences, chosen anew each
            epoch: prompts are single sentences, whole reports are not.
        rare_sentence_power: prefer rare sentences, see `SentenceSampler`; needs `fit_sentences`.
        true_texts: also name all texts known to be true of each record, as `true_text_ids`.
        extra_texts: this many sentences of the training texts follow the records' own in every batch, or all when
            there are fewer; needs `true_texts`, `single_sentence_probability` and `fit_sentences`.
        max_length: tokens a text is cut at; None is the tokenizer's own limit.
        text_features: text -> (hidden_size,) for all of `possible_texts`: what a frozen text tower says, handed out in
            place of tokens. May be set later.

    Raises:
        ValueError: an impossible view or probability.
    """

    def __init__(
        self,
        processor,
        views: Sequence[dict] = (),
        seed: int = 0,
        text_column: str = "text",
        single_sentence_probability: float = 0.0,
        rare_sentence_power: float = 0.0,
        true_texts: bool = False,
        extra_texts: int = 0,
        max_length: int | None = None,
        text_features: Mapping[str, torch.Tensor] | None = None,
    ):
        super().__init__(processor.feature_extractor, views, seed)
        self.processor = processor
        self.text_column = text_column
        self.sentences = SentenceSampler(single_sentence_probability, rare_sentence_power)
        if extra_texts:
            check_positive_integer("extra_texts", extra_texts)
        if extra_texts and not (true_texts and single_sentence_probability):
            raise ValueError(
                f"extra_texts is {extra_texts}, but true_texts is {true_texts} and single_sentence_probability"
                f" {single_sentence_probability}: both are needed to know which records an extra sentence is true of"
            )
        self.true_texts = true_texts
        self.extra_texts = extra_texts
        self.max_length = max_length
        self.text_features = text_features

    @property
    def columns(self) -> list[str]:
        """Columns that rows must have."""
        return [*SIGNAL_COLUMNS, self.text_column]

    @property
    def text_features(self) -> dict[str, torch.Tensor] | None:
        """What replaces the tokens, or None."""
        return None if self._features is None else dict(zip(self._feature_rows, self._features, strict=True))

    @text_features.setter
    def text_features(self, features: Mapping[str, torch.Tensor] | None) -> None:
        # one matrix: a loader's worker processes share it, where thousands of tensors would exhaust their file handles
        if features is not None and not features:
            raise ValueError("text_features is empty, wanted one entry for each of possible_texts")
        self._feature_rows = {text: row for row, text in enumerate(features or ())}
        self._features = None if features is None else torch.stack(list(features.values())).float()

    def __call__(self, rows: Sequence[Mapping]) -> dict:
        """Makes a batch.

        Args:
            rows: as `RowDataset` gives them.

        Returns:
            `input_values` float32 (batch, leads, samples), `lead_mask` bool (batch, leads), `sample_mask` bool (batch,
            samples); `input_ids`, `attention_mask` int64 (texts, tokens), or `text_features` float32 (texts,
            hidden_size), the batch's own texts first; `text_ids` int64 (texts,), equal exactly where the texts are
            equal, on any machine;
            `return_loss` True; with `true_texts`, `true_text_ids` int64 (batch, k), ids repeated to fill the rows.

        Raises:
            ValueError: an empty text, a text that `text_features` lacks, or what the feature extractor refuses.
        """
        batch = self._waveforms(rows)
        whole = [self._text(row) for row in rows]
        texts = whole
        if self.sentences.single_sentence_probability:
            drawn = zip(whole, rows, strict=True)
            texts = [self.sentences.draw(text, self._generator(row, "sentence")) for text, row in drawn]
        if self.extra_texts:
            texts = texts + self.sentences.extra(self.extra_texts, self._generator(rows[0], "extra_texts"))
        batch |= self._tokens(texts) if self._features is None else self._embedded(texts)
        batch["text_ids"] = torch.tensor([text_id(text) for text in texts])
        if self.true_texts:
            batch["true_text_ids"] = self._true_ids(whole)
        batch["return_loss"] = True
        return batch

    def fit_sentences(self, dataset) -> None:
        """Count the sentences of the training rows, for `rare_sentence_power`."""
        self.sentences.fit(dataset.select_columns([self.text_column]).with_format(None)[self.text_column][:])

    def possible_texts(self, dataset) -> list[str]:
        """Every text that a batch of these rows may hold, sorted."""
        table = dataset.select_columns([self.text_column]).with_format("arrow")[:]
        distinct = pyarrow.compute.unique(table.column(self.text_column)).drop_null().to_pylist()
        return self.sentences.possible(text for text in distinct if text.strip())

    def _text(self, row: Mapping) -> str:
        text = row.get(self.text_column)
        if not isinstance(text, str) or not text.strip():
            name = row.get("record_id", row.get("record_index"))
            raise ValueError(
                f"record {name}: {self.text_column} is {text!r};"
                " leave records without a text out (hf_ecg.data.corpus.non_empty_text)"
            )
        return text

    def _true_ids(self, whole: list[str]) -> torch.Tensor:
        ids = [[text_id(text) for text in self.sentences.true_of(one)] for one in whole]
        width = max(map(len, ids))
        return torch.tensor([row + row[:1] * (width - len(row)) for row in ids])

    def _tokens(self, texts: list[str]) -> dict[str, torch.Tensor]:
        tokenizer = self.processor.tokenizer
        limited = self.max_length is not None or tokenizer.model_max_length < 1e6  # 1e30 stands for no limit
        tokens = tokenizer(
            texts,
            padding=True,
            truncation=limited,
            max_length=self.max_length,
            return_attention_mask=True,
            return_token_type_ids=False,
            return_tensors="pt",
        )
        return {key: tokens[key] for key in ("input_ids", "attention_mask")}

    def _embedded(self, texts: list[str]) -> dict[str, torch.Tensor]:
        unknown = [text for text in texts if text not in self._feature_rows]
        if unknown:
            raise ValueError(f"text_features has {len(self._feature_rows)} texts, but not {unknown[0]!r}")
        return {"text_features": self._features[[self._feature_rows[text] for text in texts]]}


class ECGClassificationCollator(_WaveformCollator):
    """Batches for a multi-label classifier over one or several label sets.

    Args:
        feature_extractor: an `ECGFeatureExtractor`.
        label_sets: columns of the labels; their classes stand side by side in this order.
        class_names: label set -> names in the corpus's own order (`hf_ecg.data.corpus.label_names`).
        views: see `hf_ecg.data.views.validate_views`.
        seed: of the views.

    Raises:
        ValueError: an impossible view, no label set, or one without class names.
    """

    def __init__(
        self,
        feature_extractor,
        label_sets: Sequence[str],
        class_names: Mapping[str, Sequence[str]],
        views: Sequence[dict] = (),
        seed: int = 0,
    ):
        super().__init__(feature_extractor, views, seed)
        if isinstance(label_sets, str) or not label_sets:
            raise ValueError(f"label_sets is {label_sets!r}, wanted a list of at least one column")
        for label_set in label_sets:
            if not class_names.get(label_set):
                raise ValueError(f"class_names has no classes of {label_set!r}, only of {sorted(class_names)}")
        self.label_sets = list(label_sets)
        self.class_names = {label_set: list(class_names[label_set]) for label_set in self.label_sets}

    @property
    def columns(self) -> list[str]:
        """Columns that rows must have."""
        return [*SIGNAL_COLUMNS, *self.label_sets]

    def __call__(self, rows: Sequence[Mapping]) -> dict[str, torch.Tensor]:
        """Makes a batch.

        Args:
            rows: as `RowDataset` gives them; labels are lists of class numbers, None where not annotated.

        Returns:
            `input_values`, `lead_mask`, `sample_mask` as for `ECGTextCollator`; `labels` float32 (batch, classes), NaN
            where a record is not annotated for a label set.

        Raises:
            ValueError: a class number beyond the names, or what the feature extractor refuses.
        """
        batch = self._waveforms(rows)
        parts = [self._labels(rows, label_set) for label_set in self.label_sets]
        batch["labels"] = torch.from_numpy(np.concatenate(parts, axis=1))
        return batch

    def _labels(self, rows: Sequence[Mapping], label_set: str) -> np.ndarray:
        names = self.class_names[label_set]
        labels = np.zeros((len(rows), len(names)), np.float32)
        for target, row in zip(labels, rows, strict=True):
            if label_set not in row:
                raise ValueError(f"a row has no column {label_set!r}{nearest(label_set, row)}")
            numbers = row[label_set]
            if numbers is None:
                target[:] = np.nan
                continue
            numbers = np.asarray(numbers, dtype=np.int64)
            if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(names):
                raise ValueError(
                    f"record {row.get('record_id')}: {label_set} has the classes {numbers.tolist()}, but {len(names)}"
                    f" names are known"
                )
            target[numbers] = 1.0
        return labels


def text_id(text: str) -> int:
    """A number for a text, the same on any machine; signed 64 bits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)


def build_collator(spec: Mapping, processor, dataset, seed: int = 0) -> Callable[[Sequence[Mapping]], dict]:
    """A collator by name.

    Args:
        spec: `name` "ecg_text" or "ecg_classification", and that collator's options: views, text_column,
            single_sentence_probability, rare_sentence_power, true_texts, extra_texts, max_length; or views,
            label_sets.
        processor: an `ECGTextProcessor`; for "ecg_classification" an `ECGFeatureExtractor` does.
        dataset: the corpus, for the names of its classes.
        seed: of views and sentences.

    Raises:
        ValueError: an unknown name or key (the nearest is named), a processor that does not fit, a missing column.
    """
    name = spec.get("name")
    if name not in COLLATORS:
        raise ValueError(f"collator name is {name!r}{nearest(name, COLLATORS)}; known: {', '.join(COLLATORS)}")
    options = {key: value for key, value in spec.items() if key != "name"}
    internal = {"self", "processor", "feature_extractor", "seed", "class_names", "text_features"}
    known = set(inspect.signature(COLLATORS[name].__init__).parameters) - internal
    for key in options:
        if key not in known:
            raise ValueError(f"collator {name}: unknown key {key!r}{nearest(key, known)}; known: {sorted(known)}")
    if name == "ecg_text":
        if not hasattr(processor, "tokenizer"):
            raise ValueError(f"collator ecg_text needs a processor with a tokenizer, found {type(processor).__name__}")
        collator = ECGTextCollator(processor, seed=seed, **options)
    else:
        label_sets = options.pop("label_sets", None) or []
        class_names = {label_set: label_names(dataset, label_set) for label_set in label_sets}
        feature_extractor = getattr(processor, "feature_extractor", processor)
        collator = ECGClassificationCollator(feature_extractor, label_sets, class_names, seed=seed, **options)
    for column in collator.columns:
        if column not in dataset.column_names:
            raise ValueError(f"the corpus has no column {column!r}{nearest(column, dataset.column_names)}")
    if name == "ecg_text":
        collator.fit_sentences(dataset)
    return collator


COLLATORS = {"ecg_text": ECGTextCollator, "ecg_classification": ECGClassificationCollator}
