"""Labels: multi-label over one or several label sets, or single-label over one."""

from collections.abc import Sequence
from dataclasses import dataclass

from datasets import Dataset
from huggingface_hub.dataclasses import strict

from ...data.collators import ECGClassificationCollator
from ...data.corpus import single_class_rows
from ...data.mixing import MixedRows
from .head import HeadMethod, HeadOptions
from .method import Feeding

MULTI_LABEL, SINGLE_LABEL = "multi_label_classification", "single_label_classification"


@strict
@dataclass
class LabelOptions(HeadOptions):
    """Args:
    single_label: every record has exactly one class of the label set; the others are left out.
    """

    single_label: bool = False


class Labels(HeadMethod):
    """ECGs beside the classes of `data.label_sets`."""

    name = "labels"
    Options = LabelOptions

    def __init__(self, options: LabelOptions, data):
        super().__init__(options, data)
        if not data.label_sets:
            raise ValueError("data.label_sets is empty: the method labels wants at least one label-set column")
        if options.single_label and len(data.label_sets) != 1:
            raise ValueError(f"method.options.single_label wants one of data.label_sets, found {data.label_sets}")

    def reads(self) -> tuple[str, ...]:
        return ("label_sets",)

    @property
    def target_columns(self) -> list[str]:
        return self.data.label_sets

    @property
    def optional_targets(self) -> list[str]:
        # where every record has its one class, every corpus knows them
        return [] if self.options.single_label else self.data.label_sets

    def select(self, rows: Dataset, training: bool, seed: int) -> Dataset:
        if self.options.single_label:
            return single_class_rows(rows, self.data.label_sets[0])
        return rows

    def outputs(self, rows: MixedRows, sources: Sequence[Dataset]) -> tuple[list[str], dict]:
        classes = {label_set: rows.label_classes(label_set) for label_set in self.data.label_sets}
        problem = SINGLE_LABEL if self.options.single_label else MULTI_LABEL
        return class_labels(classes), {"problem_type": problem}

    def collator(self, feeding: Feeding) -> ECGClassificationCollator:
        return self._collator(feeding, self.options.views, training=True)

    def validation_collator(self, feeding: Feeding) -> ECGClassificationCollator:
        return self._collator(feeding, [], training=False)

    def _collator(self, feeding: Feeding, views: list[dict], training: bool) -> ECGClassificationCollator:
        return ECGClassificationCollator(
            feeding.processor,
            self.data.label_sets,
            {label_set: feeding.rows.label_classes(label_set) for label_set in self.data.label_sets},
            views=views,
            seed=feeding.seed,
            lead=self.options.lead,
            single_label=self.options.single_label,
            prepared=feeding.prepared,
            beside=self.beside(feeding, training),
        )

    def facts(self, model_config) -> dict:
        return {"label_sets": self.data.label_sets}


def class_labels(class_names: dict[str, list[str]]) -> list[str]:
    """Output names of a classifier: the classes of one label set, or `label_set: class` over several."""
    if len(class_names) == 1:
        return list(next(iter(class_names.values())))
    return [f"{label_set}: {name}" for label_set, names in class_names.items() for name in names]
