"""ECGs beside their texts."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from datasets import Dataset
from huggingface_hub.dataclasses import strict
from transformers.utils import logging

from ...checks import check_one_of
from ...clinical.described_reports import described_report
from ...clinical.prompts import lead_texts
from ...clinical.report_statements import mentions
from ...clinical.waveform_features import features_without
from ...data.collators import ECGTextCollator
from ...data.collators.texts import PERSON_COLUMNS
from ...data.corpus import distinct_texts, label_names, non_empty_text, require_columns, shuffle_across_patients
from ...data.corpus_card import read_summary
from ...data.feature_texts import FeatureTexts
from ...data.sentences import SentenceSampler
from ...data.unknown_statements import UNKNOWN_STATEMENTS, UnknownStatements, statement_columns
from ...models.shared.roles import is_dual_encoder
from ..frozen_text import prepare_texts
from .method import Feeding, Method, TrainingStart, ViewOptions

STATISTICS_TEXTS = (TRAINING, FEATURES, FEATURES_IN_LEADS) = ("training", "features", "features_in_leads")

logger = logging.get_logger(__name__)


@strict
@dataclass
class TextPairOptions(ViewOptions):
    """Args:
    single_sentence_probability, rare_sentence_power: see `hf_ecg.data.sentences.SentenceSampler`.
    true_texts: also name all texts known to be true of each record.
    extra_texts: this many sentences of the training texts follow the records' own in every batch.
    max_length: tokens a text is cut at; None is the tokenizer's own limit.
    statistics_texts: what a model that standardises or whitens its text features measures: "training", all texts that
        a batch may hold; "features", also all waveform features of `clinical/waveform_features.csv`, less those that
        name a statement which the corpora hold out; "features_in_leads", also "X in lead I", "X in lead II" ... of
        features that name no leads. What is asked later should be among them: a wide and a narrow QRS complex have a
        cosine of 0.88 where PTB-XL's statements alone are measured, of 0.44 with the features, and of 0.62 with those
        in leads too. A model that goes on from a whole one keeps what was measured then.
    unknown_statements: which sentences of statements are not known of a record, where they would count as false:
        "withheld" and "unannotated", see `hf_ecg.data.unknown_statements.UnknownStatements`.
    describe_texts: each phrase of a text is followed by its waveform features, and the patient's age and sex come
        first, see `hf_ecg.clinical.described_report`.
    shuffle_texts: a control: train every record on another patient's text.
    shuffle_features: a control: train every record on the truth of another patient's waveform features.
    """

    single_sentence_probability: float = 0.0
    rare_sentence_power: float = 0.0
    true_texts: bool = False
    extra_texts: int = 0
    max_length: int | None = None
    statistics_texts: str = TRAINING
    unknown_statements: list[str] = field(default_factory=list)
    describe_texts: bool = False
    shuffle_texts: bool = False
    shuffle_features: bool = False

    def validate_choices(self):
        check_one_of("method.options.statistics_texts", self.statistics_texts, STATISTICS_TEXTS)
        for kind in self.unknown_statements:
            check_one_of("method.options.unknown_statements", kind, UNKNOWN_STATEMENTS)
        if self.unknown_statements and not self.true_texts:
            raise ValueError("method.options.unknown_statements needs true_texts: no other statement counts as false")
        if self.describe_texts and (self.true_texts or self.single_sentence_probability or self.extra_texts):
            raise ValueError(
                "method.options.describe_texts makes one text of a whole report: it goes with no true_texts,"
                " extra_texts or single_sentence_probability"
            )


class TextPairs(Method):
    """Each record and its text from `data.columns.text`; records without a text are left out.

    With `data.columns.true_texts` and `false_texts` every batch also asks for all waveform features of these columns,
    as texts of kind 1: true of a record, false, or not known and left out of the loss. The model then has
    `num_text_kinds` 2 and `identical_text` positive.

    A model whose `forward` takes `sentence_ids` gets them: which sentence each token belongs to.
    """

    name = "text_pairs"
    Options = TextPairOptions
    reads_text = True

    def __init__(self, options: TextPairOptions, data):
        super().__init__(options, data)
        if self.truth_columns and not options.true_texts:
            raise ValueError(
                "data.columns.true_texts needs method.options.true_texts: what else is true of a record must be known"
            )
        if options.shuffle_features and not self.truth_columns:
            raise ValueError("method.options.shuffle_features needs data.columns.true_texts: there are no features")

    @property
    def truth_columns(self) -> list[str]:
        """The columns of the waveform features' truth, if the recipe names them."""
        return list(filter(None, (self.data.columns.true_texts, self.data.columns.false_texts)))

    @property
    def columns(self) -> list[str]:
        person = PERSON_COLUMNS if self.options.describe_texts else ()
        return [self.data.columns.text, *person, *self.truth_columns]

    @property
    def optional_columns(self) -> list[str]:
        return self.truth_columns

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        text = [self.data.columns.text]
        require_columns(rows, text, "the corpus")
        rows = non_empty_text(rows, *text)
        present = [column for column in self.truth_columns if column in rows.column_names]
        if training and self.options.shuffle_texts:
            logger.warning("control: every record is trained on another patient's text")
            with_text = [name for name in statement_columns(self.options.unknown_statements) if name in rows.features]
            rows = shuffle_across_patients(rows, [*text, *with_text], seed)
        if training and self.options.shuffle_features and present:
            logger.warning("control: every record is trained on the truth of another patient's waveform features")
            rows = shuffle_across_patients(rows, present, seed)
        return rows

    def make_collator(self, feeding: Feeding, **options) -> ECGTextCollator:
        """A collator of the method's kind, for training with `options`, and for validation without."""
        return ECGTextCollator(feeding.processor, **self.collator_options(feeding), **options)

    def collator_options(self, feeding: Feeding) -> dict:
        """What collators for training and validation have in common."""
        return {
            "text_column": self.data.columns.text,
            "max_length": self.options.max_length,
            "lead": self.options.lead,
            "sentence_ids": "sentence_ids" in feeding.inputs,
            "described": self._held_out() if self.options.describe_texts else None,
        }

    def collator(self, feeding: Feeding) -> ECGTextCollator:
        options = self.options
        collator = self.make_collator(
            feeding,
            views=options.views,
            seed=feeding.seed,
            single_sentence_probability=options.single_sentence_probability,
            rare_sentence_power=options.rare_sentence_power,
            true_texts=options.true_texts,
            extra_texts=options.extra_texts,
            prepared=feeding.prepared,
        )
        collator.fit_sentences(*feeding.sources)
        collator.feature_texts = self._feature_texts(feeding.sources)
        if options.unknown_statements:
            collator.unknown_statements = UnknownStatements(
                options.unknown_statements, feeding.sources, self._summaries()
            )
        return collator

    def _held_out(self) -> set[str]:
        """Statements that a corpus holds out of its texts."""
        return {code for summary in self._summaries() for code in summary.get("hold_out") or ()}

    def _summaries(self) -> list[dict]:
        return [read_summary(source.path) for source in self.data.sources]

    def _feature_texts(self, sources: Sequence[Dataset]) -> FeatureTexts | None:
        if not self.truth_columns:
            return None
        self._check_held_out(sources)
        return FeatureTexts(*self.truth_columns, sources)

    def _check_held_out(self, sources: Sequence[Dataset]) -> None:
        """Raises ValueError when a feature would bring back a statement that its corpus holds out of the texts."""
        for source, summary in zip(sources, self._summaries(), strict=True):
            held_out = set(summary.get("hold_out") or ())
            columns = [name for name in self.truth_columns if held_out and name in source.column_names]
            told = sorted({text for name in columns for text in label_names(source, name) if mentions(text, held_out)})
            if told:
                raise ValueError(
                    f"the corpus holds {', '.join(sorted(held_out))} out of its texts, but {' and '.join(columns)}"
                    f" have the features {told[:3]}, which state them: measure the corpus anew"
                )

    def validation_collator(self, feeding: Feeding) -> ECGTextCollator:
        return self.make_collator(feeding)

    def before_training(self, start: TrainingStart) -> None:
        if is_dual_encoder(start.model):
            if self.truth_columns:
                _check_takes_features(start.model.config)
            more, frozen = self._more_statistics_texts(), "text_model" in start.frozen
            prepare_texts(start.model, start.collator, start.sources, frozen, start.accelerator, start.measured, more)

    def _more_statistics_texts(self) -> list[str]:
        if self.options.statistics_texts == TRAINING:
            return []
        features = features_without(self._held_out())
        if self.options.statistics_texts == FEATURES_IN_LEADS:
            return [text for feature in features for text in lead_texts(feature)]
        return list(features)

    def facts(self, model_config) -> dict:
        told = {"text_column": self.data.columns.text, "shuffled": self.options.shuffle_texts}
        if self.truth_columns:
            control = ", shuffled across patients: a control" if self.options.shuffle_features else ""
            told["features"] = f"columns {' and '.join(self.truth_columns)}{control}"
        return told

    def trained_texts(self, sources: Sequence[Dataset]) -> set[str]:
        texts = {text for rows in sources for text in distinct_texts(rows, self.data.columns.text)}
        if self.options.describe_texts:
            held_out = self._held_out()
            texts |= {described_report(text, held_out=held_out) for text in texts}
        features = self._feature_texts(sources)
        return set(SentenceSampler(1.0).possible(texts)) | set(features.texts if features else ())


def _check_takes_features(config) -> None:
    """Raises ValueError when a model's loss cannot use texts that are true of some records and false of others."""
    wanted = {"num_text_kinds": config.num_text_kinds > 1, "identical_text": config.identical_text == "positive"}
    wrong = [f"{name} is {getattr(config, name)!r}" for name, good in wanted.items() if not good]
    if wrong:
        raise ValueError(
            f"data.columns.true_texts is given, but of model.config {' and '.join(wrong)}: wanted num_text_kinds 2 and"
            " identical_text positive"
        )
