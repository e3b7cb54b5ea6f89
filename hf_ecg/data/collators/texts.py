"""ECGs beside their texts."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import torch

from ...checks import check_positive_integer
from ...clinical.described_reports import described_report
from ...processing.tokens import tokenize
from ..corpus import distinct_texts
from ..feature_texts import FeatureTexts
from ..sentences import SentenceSampler, token_sentences
from ..text_ids import NO_TEXT, text_id
from ..unknown_statements import UnknownStatements
from .waveforms import WaveformCollator

# what a described report begins with
PERSON_COLUMNS = ("age", "sex")


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
        sentence_ids: also say which sentence each token belongs to; needs a fast tokenizer.
        described: describe each text by waveform features, after the patient's age and sex, see
            `hf_ecg.clinical.described_report`; the statements that texts may not name, none of them for no statement.
            None: texts stay as they are.
        lead, prepared: see `WaveformCollator`.

    Attributes:
        feature_texts: waveform features that follow all other texts in every batch, as texts of kind 1 which are true
            of a record, false, or not known; None = none. To be set where the corpora are known; needs `true_texts`.
        unknown_statements: sentences that are not known of a record, or None; likewise.

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
        sentence_ids: bool = False,
        described: Collection[str] | None = None,
    ):
        super().__init__(processor, views, seed, lead, prepared)
        if sentence_ids and not processor.tokenizer.is_fast:
            raise ValueError(
                f"sentence_ids needs a fast tokenizer, which knows the characters of a token; found"
                f" {type(processor.tokenizer).__name__}"
            )
        self.sentence_ids = sentence_ids
        self.described = described
        if described is not None and (true_texts or single_sentence_probability):
            raise ValueError(
                "described makes one text of a whole report: it goes with no true_texts or single_sentence_probability"
            )
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
        self.feature_texts: FeatureTexts | None = None
        self.unknown_statements: UnknownStatements | None = None

    @property
    def own_columns(self) -> list[str]:
        truths = [truth for truth in (self.feature_texts, self.unknown_statements) if truth is not None]
        person = [] if self.described is None else list(PERSON_COLUMNS)
        return [self.text_column, *person, *(column for truth in truths for column in truth.columns)]

    @property
    def text_features(self) -> dict[str, torch.Tensor] | None:
        """What replaces the tokens, or None."""
        return None if self._features is None else dict(zip(self._feature_rows, self._features, strict=True))

    @text_features.setter
    def text_features(self, features: Mapping[str, torch.Tensor] | None) -> None:
        if features is not None and self.sentence_ids:
            raise ValueError("sentence_ids need tokens: a text tower whose sentences are read cannot be frozen whole")
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
            hidden_size), the batch's own texts first; with `sentence_ids`, `sentence_ids` int64 (texts, tokens), see
            `hf_ecg.data.sentences.token_sentences`; `text_ids` int64 (texts,), equal exactly where the texts are
            equal, on any machine;
            `return_loss` True; with `true_texts`, `true_text_ids` int64 (batch, k), ids repeated to fill the rows.
            With `feature_texts` or `unknown_statements` also `unknown_text_ids` int64 (batch, m), texts of which
            nobody knows whether they are true. With `feature_texts` also `text_kinds` int64 (texts,), 1 for a feature
            and else 0, and `text_log_odds` float32 (texts,), how often a feature is true in the training rows, and 0
            for other texts.

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
        features = self.feature_texts
        asked = texts if features is None else texts + features.texts
        batch |= self._tokens(asked) if self._features is None else self._embedded(asked)
        batch["text_ids"] = torch.tensor([text_id(text) for text in asked])
        if features is not None:
            batch["text_kinds"] = torch.tensor([0] * len(texts) + [1] * len(features.texts))
            batch["text_log_odds"] = torch.cat([torch.zeros(len(texts)), torch.from_numpy(features.log_odds)])
        if self.true_texts:
            batch |= self._truth(rows, whole)
        batch["return_loss"] = True
        return batch

    def fit_sentences(self, *datasets) -> None:
        """Count the sentences of the training rows of all corpora, for `rare_sentence_power`."""
        columns = (data.select_columns([self.text_column]).with_format(None)[self.text_column] for data in datasets)
        self.sentences.fit(text for column in columns for text in column[:])

    def possible_texts(self, *datasets) -> list[str]:
        """Every text that a batch of the rows of these corpora may hold, sorted."""
        possible = self.sentences.possible(text for dataset in datasets for text in self._texts_of(dataset))
        return possible if self.feature_texts is None else sorted({*possible, *self.feature_texts.texts})

    def _texts_of(self, dataset) -> Iterator[str]:
        """The distinct texts of a corpus, as batches hold them whole."""
        if self.described is None:
            yield from distinct_texts(dataset, self.text_column)
            return
        columns = [self.text_column, *PERSON_COLUMNS]
        told = dataset.select_columns(columns).with_format("arrow")[:].to_pydict()
        for text, *person in dict.fromkeys(zip(*(told[column] for column in columns), strict=True)):
            if text and text.strip():
                yield described_report(text, *person, held_out=self.described)

    def _text(self, row: Mapping) -> str:
        text = self._written(row)
        if self.described is None:
            return text
        return described_report(text, *(row.get(name) for name in PERSON_COLUMNS), held_out=self.described)

    def _written(self, row: Mapping) -> str:
        text = row.get(self.text_column)
        if not isinstance(text, str) or not text.strip():
            name = row.get("record_id", row.get("record_index"))
            raise ValueError(
                f"record {name}: {self.text_column} is {text!r};"
                " leave records without a text out (hf_ecg.data.corpus.non_empty_text)"
            )
        return text

    def _truth(self, rows: Sequence[Mapping], whole: list[str]) -> dict[str, torch.Tensor]:
        """What is true of each record, and what nobody knows."""
        true = [[text_id(text) for text in self.sentences.true_of(one)] for one in whole]
        if self.feature_texts is None and self.unknown_statements is None:
            return {"true_text_ids": _filled(true)}
        unknown: list[list[int]] = [[] for _ in rows]
        if self.unknown_statements is not None:
            unknown = [self.unknown_statements.of(row) for row in rows]
        if self.feature_texts is not None:
            known = [self.feature_texts.truth(row) for row in rows]
            true = [ids + more for ids, (more, _) in zip(true, known, strict=True)]
            unknown = [ids + more for ids, (_, more) in zip(unknown, known, strict=True)]
        return {"true_text_ids": _filled(true), "unknown_text_ids": _filled(unknown)}

    def _tokens(self, texts: list[str]) -> dict[str, torch.Tensor]:
        tokens = tokenize(
            self.processor.tokenizer,
            texts,
            padding=True,
            max_length=self.max_length,
            return_attention_mask=True,
            return_token_type_ids=False,
            return_offsets_mapping=self.sentence_ids,
            return_tensors="pt",
        )
        batch = {key: tokens[key] for key in ("input_ids", "attention_mask")}
        if self.sentence_ids:
            batch["sentence_ids"] = token_sentences(texts, tokens["offset_mapping"])
        return batch

    def _embedded(self, texts: list[str]) -> dict[str, torch.Tensor]:
        unknown = [text for text in texts if text not in self._feature_rows]
        if unknown:
            raise ValueError(f"text_features has {len(self._feature_rows)} texts, but not {unknown[0]!r}")
        return {"text_features": self._features[[self._feature_rows[text] for text in texts]]}


def _filled(ids: list[list[int]]) -> torch.Tensor:
    """int64 (rows, longest): shorter rows repeat their first id; a row without any has one that no text has."""
    width = max(1, *map(len, ids))
    return torch.tensor([row + (row[:1] or [NO_TEXT]) * (width - len(row)) for row in ids])
