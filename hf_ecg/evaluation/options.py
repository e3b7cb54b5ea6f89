"""Options that travel together through an evaluation."""

from dataclasses import dataclass

from ..checks import check_one_of, check_positive_integer
from .metrics.bootstrap import REPLICATES
from .metrics.classification import MINIMUM_COUNT

# how a record's crops count: their mean, or the largest of each number, for findings that one crop shows
CROPS = (MEAN, MAX) = ("mean", "max")
BY = (NAMES, DESCRIPTIONS, NAMES_AND_DESCRIPTIONS) = ("names", "descriptions", "names_and_descriptions")


@dataclass(frozen=True)
class IntervalOptions:
    """How figures and their intervals are made.

    Args:
        replicates: of the bootstrap over patients.
        seed: of the bootstrap, and of what else is drawn in the evaluation.
        minimum: positives and negatives that a class needs to enter the macro.

    Raises:
        ValueError: replicates or a minimum below one.
    """

    replicates: int = REPLICATES
    seed: int = 0
    minimum: int = MINIMUM_COUNT

    def __post_init__(self):
        check_positive_integer("replicates", self.replicates)
        check_positive_integer("minimum", self.minimum)


@dataclass(frozen=True)
class ForwardOptions:
    """How a model is run.

    Args:
        batch_size: ECGs at a time.
        device: "cpu", "cuda" ...; None: the GPU when there is one.
        strict: raise at rows that the extractor refuses, those marked as unusable among them, instead of leaving them
            out of all figures.
        crops: of a recipe that makes several crops of a record: "mean" of what the model says of them, or "max", the
            largest of each number.

    Raises:
        ValueError: a batch size below one, another word for `crops`.
    """

    batch_size: int = 64
    device: str | None = None
    strict: bool = False
    crops: str = MEAN

    def __post_init__(self):
        check_positive_integer("batch_size", self.batch_size)
        check_one_of("crops", self.crops, CROPS)

    def key(self) -> dict[str, str]:
        """What of these options changes what a model says, for the names of kept parts."""
        return {} if self.crops == MEAN else {"crops": self.crops}

    def notes(self) -> list[str]:
        """What a report says of them."""
        return [] if self.crops == MEAN else ["of a record's crops the largest value of each number counts"]


@dataclass(frozen=True)
class Companions:
    """What is judged beside a model.

    Args:
        supervised: folders of classifiers of the same budget, one a seed.
        random: also the ECG encoder with weights drawn anew.
        rules: also the table of waveform features on what is measured, without any model.
    """

    supervised: tuple[str, ...] = ()
    random: bool = False
    rules: bool = False


@dataclass(frozen=True)
class AskingOptions:
    """In which words a dual encoder is asked about a class.

    Args:
        by: one or more of "names" (the prompts), "descriptions" (the waveform features of the class's statements) and
            "names_and_descriptions" (the sum of their z-scores over the judged records; a name that was never trained
            on counts as far as it agrees with the description).
        ensemble: also FG-CLEP's, where a prompt counts as its best among "X" and "X in lead L".
        all_prompts: keep prompts that no training text of the model holds, in classes that have others.

    Raises:
        ValueError: no way to ask, an unknown one, or one that is named twice.
    """

    by: tuple[str, ...] = (NAMES,)
    ensemble: bool = False
    all_prompts: bool = False

    def __post_init__(self):
        # one that is named twice would count as two seeds
        if not self.by or set(self.by) - set(BY) or len(set(self.by)) < len(self.by):
            raise ValueError(f"by is {list(self.by)}, wanted one or more of {BY}, each once")


DEFAULT_INTERVALS, DEFAULT_FORWARD, ALONE = IntervalOptions(), ForwardOptions(), Companions()
BY_NAMES = AskingOptions()
