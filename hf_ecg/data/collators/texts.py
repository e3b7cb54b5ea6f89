"""ECGs beside their texts."""

import hashlib
from collections.abc import Mapping, Sequence

import pyarrow.compute
import torch

from ...checks import check_positive_integer
from ...processing.tokens import tokenize
from ..sentences import SentenceSampler
from .waveforms import WaveformCollator


class ECGTextCollator(WaveformCollator):
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
        lead, prepared: see `WaveformCollator`.

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
        lead: str | None = None,
        prepared=None,
    ):
        super().__init__(processor, views, seed, lead, prepared)
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
    def own_columns(self) -> list[str]:
        return [self.text_column]

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
        batch = self.waveforms(rows)
        whole = [self._text(row) for row in rows]
        texts = whole
        if self.sentences.single_sentence_probability:
            drawn = zip(whole, rows, strict=True)
            texts = [self.sentences.draw(text, self.generator(row, "sentence")) for text, row in drawn]
        if self.extra_texts:
            texts = texts + self.sentences.extra(self.extra_texts, self.generator(rows[0], "extra_texts"))
        batch |= self._tokens(texts) if self._features is None else self._embedded(texts)
        batch["text_ids"] = torch.tensor([text_id(text) for text in texts])
        if self.true_texts:
            batch["true_text_ids"] = self._true_ids(whole)
        batch["return_loss"] = True
        return batch

    def fit_sentences(self, *datasets) -> None:
        """Count the sentences of the training rows of all corpora, for `rare_sentence_power`."""
        self.sentences.fit(text for dataset in datasets for text in self._column(dataset).to_pylist())

    def possible_texts(self, *datasets) -> list[str]:
        """Every text that a batch of the rows of these corpora may hold, sorted."""
        distinct = {text for dataset in datasets for text in pyarrow.compute.unique(self._column(dataset)).to_pylist()}
        return self.sentences.possible(text for text in distinct if text and text.strip())

    def _column(self, dataset):
        return dataset.select_columns([self.text_column]).with_format("arrow")[:].column(self.text_column)

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
        tokens = tokenize(
            self.processor.tokenizer,
            texts,
            padding=True,
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


def text_id(text: str) -> int:
    """A number for a text, the same on any machine; signed 64 bits."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
