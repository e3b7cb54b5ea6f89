"""A way to train: which rows and columns it takes, how they become batches, what it tells a head and a card."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from accelerate import Accelerator
from datasets import Dataset
from huggingface_hub.dataclasses import strict
from transformers import PreTrainedModel

from ...data.mixing import MixedRows
from ..data_sections import DataSection
from ..objective import Objective


@strict
@dataclass
class ViewOptions:
    """Options that every method has.

    Args:
        views: the random augmentations, see `hf_ecg.data.views.validate_views`; they act where the feature extractor's
            steps name `views`, else after the last step.
        lead: for a model of a single lead, the one it is to see.
    """

    views: list[dict] = field(default_factory=list)
    lead: str | None = None


@dataclass(frozen=True)
class Feeding:
    """What a method makes collators from.

    Args:
        processor: the model's `ECGFeatureExtractor`, or an `ECGTextProcessor` that holds one.
        rows: the training rows of all sources together, with the classes of their label sets.
        sources: the same, a data set for each source.
        seed: of views and of everything else that is drawn.
        inputs: names that the model's `forward` takes.
        prepared: what the deterministic steps made of the rows, where the recipe caches it.
    """

    processor: object
    rows: MixedRows
    sources: Sequence[Dataset]
    seed: int
    inputs: frozenset[str] = frozenset()
    prepared: object | None = None


@dataclass(frozen=True)
class TrainingStart:
    """A run before its first step.

    Args:
        model: on its device, in training mode.
        collator: the training collator, which may learn something from the rows.
        sources: the training rows.
        frozen: names of the submodules that are not trained.
        measured: the model was trained before, and goes on with what was measured then.
        accelerator: the run's.
    """

    model: PreTrainedModel
    collator: Callable
    sources: Sequence[Dataset]
    frozen: Sequence[str]
    measured: bool
    accelerator: Accelerator


class Method:
    """A way to train; the loop knows none of them.

    A method with labels, texts or pairs of its own is one file with a subclass, and a line in `METHODS`.

    Args:
        options: an instance of the class's `Options`.
        data: the recipe's section.

    Raises:
        ValueError: the section does not fit the method.
    """

    name: ClassVar[str]
    Options: ClassVar[type] = ViewOptions
    # whether the processor must hold a tokenizer
    reads_text: ClassVar[bool] = False
    # whether it trains a head, which may be told covariates
    reads_covariates: ClassVar[bool] = False

    def __init__(self, options, data: DataSection):
        self.options, self.data = options, data
        unused = {"label_sets": data.label_sets, "targets": data.targets}
        for key, value in unused.items():
            if value and key not in self.reads():
                raise ValueError(f"data.{key} is {value}, which the method {self.name} does not read")
        if data.columns.covariates and not self.reads_covariates:
            found = f"data.columns.covariates is {data.columns.covariates}"
            raise ValueError(f"{found}, but the method {self.name} trains no head that takes covariates")

    def reads(self) -> tuple[str, ...]:
        """Which of `label_sets` and `targets` of the section the method trains on."""
        return ()

    @property
    def columns(self) -> list[str]:
        """Columns that it reads of a corpus, besides the signal's own."""
        return []

    @property
    def optional_columns(self) -> list[str]:
        """Columns of `columns` that a corpus may lack when another source has them."""
        return []

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        """The rows that it can use; the log counts the rest.

        Args:
            rows: of one source.
            training: false for the rows that a validation asks about.
            seed: of the controls, which exchange columns between patients.
        """
        return rows

    def check(self, sources: Sequence[Dataset]) -> None:
        """Raises ValueError when the selected training rows of all sources have nothing to learn from."""

    def head(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        """Names of a head's outputs and what its configuration says besides; none for a model without a head."""
        return [], {}

    def collator(self, feeding: Feeding) -> Callable:
        """From rows to the batch that a training step's `forward` takes."""
        raise NotImplementedError

    def validation_collator(self, feeding: Feeding) -> Callable:
        """The same for a validation of the loss: the same batch at every call for the same rows."""
        return self.collator(feeding)

    def before_training(self, start: TrainingStart) -> None:
        """What must be measured of the training rows before the first step."""

    def objective(self, model: PreTrainedModel, sources: Sequence[Dataset]) -> Objective | None:
        """What a step minimises; None is the loss that the model's `forward` gives.

        Args:
            model: with its head, before it is wrapped for several processes.
            sources: the training rows.
        """
        return None

    def facts(self, model_config) -> dict:
        """What evaluation must know of the weights: what they learnt besides waveforms.

        Args:
            model_config: the model's configuration, which says whether its loss uses what the method hands out; None
                when it is not known.

        Returns:
            Some of `text_column`, `risk_column`, `label_sets`, `targets`, whether texts or risks were `shuffled`, and
            `metadata` with `metadata_shuffled`, and `features`: where the truth of waveform features came from, in
            words.
        """
        return {}

    def trained_texts(self, sources: Sequence[Dataset]) -> set[str] | None:
        """Every sentence that the training rows teach, and every feature that is a text of its own; None when the
        method reads no texts."""
        return None
