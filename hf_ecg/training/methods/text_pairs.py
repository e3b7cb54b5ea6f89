"""ECGs beside their texts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelerate import Accelerator
from datasets import Dataset
from huggingface_hub.dataclasses import strict
from transformers import PreTrainedModel
from transformers.utils import logging

from ...data.collators import ECGTextCollator
from ...data.corpus import non_empty_text, require_columns, shuffle_across_patients
from ...models.shared.roles import is_dual_encoder
from ..frozen_text import prepare_texts
from .method import Feeding, Method, ViewOptions

logger = logging.get_logger(__name__)


@strict
@dataclass
class TextPairOptions(ViewOptions):
    """Args:
    single_sentence_probability, rare_sentence_power: see `hf_ecg.data.sentences.SentenceSampler`.
    true_texts: also name all texts known to be true of each record.
    extra_texts: this many sentences of the training texts follow the records' own in every batch.
    max_length: tokens a text is cut at; None is the tokenizer's own limit.
    shuffle_texts: a control: train every record on another patient's text.
    """

    single_sentence_probability: float = 0.0
    rare_sentence_power: float = 0.0
    true_texts: bool = False
    extra_texts: int = 0
    max_length: int | None = None
    shuffle_texts: bool = False


class TextPairs(Method):
    """Each record and its text from `data.columns.text`; records without a text are left out."""

    name = "text_pairs"
    Options = TextPairOptions
    reads_text = True

    @property
    def columns(self) -> list[str]:
        return [self.data.columns.text]

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        require_columns(rows, self.columns, "the corpus")
        rows = non_empty_text(rows, self.data.columns.text)
        if training and self.options.shuffle_texts:
            logger.warning("control: every record is trained on another patient's text")
            rows = shuffle_across_patients(rows, self.columns, seed)
        return rows

    def collator(self, feeding: Feeding) -> ECGTextCollator:
        options = self.options
        collator = ECGTextCollator(
            feeding.processor,
            views=options.views,
            seed=feeding.seed,
            text_column=self.data.columns.text,
            single_sentence_probability=options.single_sentence_probability,
            rare_sentence_power=options.rare_sentence_power,
            true_texts=options.true_texts,
            extra_texts=options.extra_texts,
            max_length=options.max_length,
            lead=options.lead,
            prepared=feeding.prepared,
        )
        collator.fit_sentences(*feeding.sources)
        return collator

    def validation_collator(self, feeding: Feeding) -> ECGTextCollator:
        return ECGTextCollator(
            feeding.processor,
            text_column=self.data.columns.text,
            max_length=self.options.max_length,
            lead=self.options.lead,
        )

    def before_training(
        self,
        model: PreTrainedModel,
        collator: Callable,
        sources: Sequence[Dataset],
        frozen: list[str],
        measured: bool,
        accelerator: Accelerator,
    ) -> None:
        if is_dual_encoder(model):
            prepare_texts(model, collator, sources, "text_model" in frozen, accelerator, measured)

    def facts(self, model_config) -> dict:
        return {"text_column": self.data.columns.text, "shuffled": self.options.shuffle_texts}
