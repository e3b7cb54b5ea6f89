"""The section `data` of a recipe: which corpora, what is read of them, and how records become batches."""

from dataclasses import dataclass, field

from huggingface_hub.dataclasses import strict

from ..checks import check_one_of
from ..data.environments import Environments

BATCHES = (MIXED, ONE_SOURCE) = ("mixed", "one_source")


def at_least(section, name: str, smallest: int, *fields: str) -> None:
    """Raises ValueError for a field of a section that is below `smallest`; None is not looked at."""
    for item in fields:
        value = getattr(section, item)
        if value is not None and value < smallest:
            raise ValueError(f"{name}.{item} is {value}, wanted at least {smallest}")


@strict
@dataclass
class FoldsSection:
    """Folds to train on and folds to select on; they may not overlap."""

    train: list[int] = field(default_factory=lambda: [1, 2, 3, 4, 5, 6, 7, 8])
    validation: list[int] = field(default_factory=lambda: [9])

    def validate_folds(self):
        if not self.train:
            raise ValueError("data.sources: folds.train is empty")
        overlap = sorted(set(self.train) & set(self.validation))
        if overlap:
            raise ValueError(f"data.sources: the folds {overlap} are in both folds.train and folds.validation")


@strict
@dataclass
class SourceSection:
    """One corpus.

    Args:
        path: prepared corpus, a local folder or a Hub id. May be left out of a recipe and given on the command line
            (`--data CORPUS`, or `data.sources.0.path=CORPUS`).
        config: its configuration, such as `ptb_xl_100hz`.
        folds: of this corpus.
        weight: share of the records of a batch, relative to the other sources' weights. None for all of them: each
            record of every corpus once an epoch.
    """

    path: str | None = None
    config: str | None = None
    folds: FoldsSection = field(default_factory=FoldsSection)
    weight: float | None = None

    def validate_weight(self):
        if self.weight is not None and self.weight <= 0:
            raise ValueError(f"data.sources: weight is {self.weight}, wanted above 0 or null")


@strict
@dataclass
class ColumnsSection:
    """Which column of the corpora plays which part.

    `risk`, `missing_rate` and `metadata` (columns of numbers, and `sex`) are for the method `view_pairs`.
    `true_texts` and `false_texts`, both or none, are for the method `text_pairs`: label sets whose class names are
    waveform features in words, those that are true of a record and those that are not; in neither: nobody knows.
    `covariates` (columns of numbers, and `sex`) are told to the head that `labels`, `targets` or `survival` train.
    """

    text: str = "text"
    true_texts: str | None = None
    false_texts: str | None = None
    risk: str | None = None
    missing_rate: str | None = None
    metadata: list[str] = field(default_factory=list)
    covariates: list[str] = field(default_factory=list)

    def validate_lists(self):
        for key in ("metadata", "covariates"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                raise ValueError(f"data.columns.{key} is {names}: one is named twice")

    def validate_truth(self):
        if (self.true_texts is None) != (self.false_texts is None):
            raise ValueError(
                f"data.columns: true_texts is {self.true_texts!r} and false_texts {self.false_texts!r}, wanted both"
            )


@strict
@dataclass
class DataSection:
    """The corpora and what is read of them.

    Args:
        sources: one or several corpora.
        label_sets: label-set columns a classifier is trained on; classes of several corpora are matched by name.
        targets: columns of numbers that a regression is trained on, such as `age`; time and event of a survival head.
        leads: leads every record must carry; None accepts any (the feature extractor still checks its own).
        train_percent: train on that share of each corpus's patients, drawn by the run's seed among those that
            the method can use; a smaller share lies inside a larger one. None takes all.
        environments: populations that rows are told apart by, and which of them are used to train and to select.
        cache: keep what the deterministic steps make (all steps before the step `views`) in files, and read it from
            there in every later epoch and run with the same steps.
        batches: `mixed`: a step has records of any source; `one_source`: all of a step, over all processes and
            micro-batches, are of one (CAPE's in-distribution batches), and each source's last incomplete step is left
            out.
        temperature: T of a choice of sources by their number of training records to the power of 1/T, in place of
            weights: 1 is by size, more gives small sources a larger share, `.inf` all the same.
        records_per_epoch: length of an epoch with weights or a temperature; None: as many as there are.
    """

    sources: list[SourceSection] = field(default_factory=lambda: [SourceSection()])
    columns: ColumnsSection = field(default_factory=ColumnsSection)
    label_sets: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)
    leads: list[str] | None = None
    train_percent: float | int | None = None
    environments: Environments | None = None
    cache: bool = False
    batches: str = MIXED
    temperature: float | int | None = None
    records_per_epoch: int | None = None

    def validate_batches(self):
        check_one_of("data.batches", self.batches, BATCHES)
        at_least(self, "data", 1, "records_per_epoch")
        weighted = any(source.weight is not None for source in self.sources)
        if self.temperature is not None and (weighted or not self.temperature > 0):
            raise ValueError(
                f"data.temperature is {self.temperature}, wanted above 0, and sources without a weight of their own"
            )
        if self.records_per_epoch is not None and not weighted and self.temperature is None:
            raise ValueError(
                f"data.records_per_epoch is {self.records_per_epoch}, but without weights or data.temperature an epoch"
                " has each record once"
            )

    def validate_sources(self):
        if not self.sources:
            raise ValueError("data.sources is empty, wanted at least one corpus")
        weighted = [source.weight is not None for source in self.sources]
        if any(weighted) and not all(weighted):
            raise ValueError("data.sources: some have a weight and some have none, wanted all or none")

    def validate_percent(self):
        if self.train_percent is not None and not 0 < self.train_percent <= 100:
            raise ValueError(f"data.train_percent is {self.train_percent}, wanted above 0 and at most 100")

    def validate_names(self):
        for key in ("label_sets", "targets"):
            names = getattr(self, key)
            if len(set(names)) < len(names):
                raise ValueError(f"data.{key} is {names}: one is named twice")

    def only_source(self, who: str) -> SourceSection:
        """The corpus of a recipe that has one.

        Raises:
            ValueError: it has several, and `who` takes recipes of one.
        """
        if len(self.sources) > 1:
            raise ValueError(f"{who} takes recipes of one corpus, data.sources has {len(self.sources)}")
        return self.sources[0]
