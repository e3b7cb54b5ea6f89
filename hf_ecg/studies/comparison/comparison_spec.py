"""What a comparison compares: a recipe, its arms as overrides, what is measured on each; read from strict YAML."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from huggingface_hub.dataclasses import strict

from ...checks import check_one_of
from ...evaluation.options import BY, NAMES
from ...input_files import read_input
from ...strict_yaml import load_yaml
from ...training.sections import parse_section
from ...training.step_costs import CLOCKS, WALL

PROBE, FINETUNE, REGRESSION, PROMPTS = KINDS = ("probe", "finetune", "regression", "prompts")
DESCRIPTIONS_AND_RULES = "descriptions_and_rules"
WAYS = (*BY, DESCRIPTIONS_AND_RULES)


@strict
@dataclass
class ArmSection:
    """One way to train.

    Args:
        overrides: `section.key=value` on the recipe. `{turn}`, `{seed}`, `{arm:NAME}` (the folder of another arm's run
            of the same turn and seed) and `{enriched}` (the corpus enriched for this turn and seed) are filled in.
        recipe: file of its own recipe; None takes the comparison's.
        trained: false for the recipe's network with its first weights.
        measured: false for an arm that others begin with and nobody asks about.
        rules: true for the rules of waveform features in place of a model: nothing is trained, and prompts alone are
            measured.
    """

    overrides: list[str] = field(default_factory=list)
    recipe: str | None = None
    trained: bool = True
    measured: bool = True
    rules: bool = False


@strict
@dataclass
class MeasureSection:
    """One thing measured on the test folds of every arm.

    Args:
        kind: "probe" (logistic regression on frozen features), "finetune" (of the whole encoder), "regression" (ridge
            on frozen features) or "prompts" (a dual encoder's probabilities).
        label_set: label-set column, or the one that prompts are for.
        column: instead of a label set, a column of names such as `sex` ("probe").
        target: column of numbers ("regression").
        prompts: prompt set, a name or a file ("prompts").
        by: what a class is asked by ("prompts"): "names", "descriptions" or "names_and_descriptions", see
            `evaluation.judging.label_text.scores_by_text`; or "descriptions_and_rules", the sum of the z-scores of a
            model's descriptions and of the rules. None is "names". Rules are rules, however models are asked.
        rarity: weigh a feature by minus the logarithm of the share of the turn's training records that the rules find
            it in ("prompts", by descriptions in any way).
        ensemble: take the largest probability over a prompt and the prompt in each lead that the training texts name
            ("prompts", by names).
        all_prompts: keep prompts that no training text of an arm holds ("prompts").
        fraction: share of the training patients whose labels are known, above 0 and at most 1 ("probe"); drawn by the
            run's seed, smaller shares inside larger ones.
        overrides: of the fine-tuning recipe.
        arms: those it is measured on; None takes all.
        note: stands beside its figures.
    """

    kind: str
    label_set: str | None = None
    column: str | None = None
    target: str | None = None
    prompts: str | None = None
    by: str | None = None
    rarity: bool = False
    ensemble: bool = False
    all_prompts: bool = False
    fraction: float | None = None
    overrides: list[str] = field(default_factory=list)
    arms: list[str] | None = None
    note: str | None = None


@strict
@dataclass
class EnrichmentSection:
    """FG-CLEP's second stage, made anew in every turn: the judges see what the turn trains and selects on.

    Args:
        stages: file of stages, beside this one, see `studies.fg_clep`.
        overrides: of the recipe that trains the judges.
    """

    stages: str
    overrides: list[str] = field(default_factory=list)


@strict
@dataclass
class FoldsSection:
    """One split in place of a rotation: folds to train on, to choose on, and to test on."""

    train: list[int]
    validation: list[int]
    test: list[int]

    def validate_folds(self):
        named = [*self.train, *self.validation, *self.test]
        if not (self.train and self.validation and self.test) or len(set(named)) < len(named):
            raise ValueError(
                f"folds are train {self.train}, validation {self.validation}, test {self.test}, wanted some of each"
                " and none twice"
            )


@strict
@dataclass
class Comparison:
    """Arms of one recipe, measured alike.

    Args:
        recipe: file of the recipe, beside this one.
        overrides: of the recipe in every arm.
        enrichment: of the corpus, for arms that train on it.
        arms: name -> what it changes.
        measures: name -> what is measured.
        differences: pairs of arms, the second subtracted from the first.
        turns: how many turns of the rotation, from the first one; None takes all, so that every fold is tested.
        folds: one split in place of the rotation.
        minutes: how long every arm trains, in place of the epochs that its recipe names: an arm's own steps are
            measured once, and as many epochs as fit are trained in all its runs.
        clock: of these minutes, see `training.step_costs.measure_costs`.
        notes: what a reader must know beside the figures.
    """

    title: str
    recipe: str
    arms: dict[str, ArmSection]
    measures: dict[str, MeasureSection]
    overrides: list[str] = field(default_factory=list)
    enrichment: EnrichmentSection | None = None
    differences: list[list[str]] = field(default_factory=list)
    turns: int | None = None
    folds: FoldsSection | None = None
    minutes: float | None = None
    clock: str = WALL
    notes: list[str] = field(default_factory=list)

    def validate_turns(self):
        if self.turns is not None and self.turns < 1:
            raise ValueError(f"turns is {self.turns}, wanted at least 1")
        if self.turns is not None and self.folds is not None:
            raise ValueError("turns and folds are both given: folds are one split, without a rotation")

    def validate_minutes(self):
        check_one_of("clock", self.clock, CLOCKS)
        if self.minutes is not None and not self.minutes > 0:
            raise ValueError(f"minutes is {self.minutes}, wanted above 0")

    def planned_turns(self, folds: Sequence[int]) -> "list[Turn]":
        """The turns of a corpus with these folds.

        Raises:
            ValueError: the one split names other folds, or `rotation` refuses these.
        """
        if self.folds is None:
            return rotation(folds)[: self.turns]
        turn = Turn(tuple(self.folds.test), tuple(self.folds.validation), tuple(self.folds.train))
        strange = sorted({*turn.test, *turn.validation, *turn.train} - set(folds))
        if strange:
            raise ValueError(f"folds names {strange}, the corpus has {list(folds)}")
        return [turn]

    def arms_of(self, measure: str) -> list[str]:
        """Names of the arms that a measure is taken of."""
        wanted, prompts = self.measures[measure].arms, self.measures[measure].kind == PROMPTS
        return [
            name
            for name, arm in self.arms.items()
            if arm.measured and (wanted is None or name in wanted) and (prompts or not arm.rules)
        ]


def load_comparison(path) -> Comparison:
    """Reads a comparison.

    Raises:
        ValueError: an unknown or missing key, a measure without what its kind needs, an arm that is not there.
        OSError: the file cannot be read.
    """
    comparison = parse_section(Comparison, load_yaml(read_input(path), str(path)), "", str(path))
    for name, measure in comparison.measures.items():
        _check_measure(measure, f"{path}: measures.{name}")
    for name, arm in comparison.arms.items():
        if arm.rules and (arm.overrides or arm.recipe or not arm.trained or not arm.measured):
            raise ValueError(f"{path}: arms.{name} is of rules, which are not trained: wanted nothing beside `rules`")
    named = [(f"differences[{i}]", arms) for i, arms in enumerate(comparison.differences)]
    named += [(f"measures.{name}.arms", measure.arms or []) for name, measure in comparison.measures.items()]
    for where, arms in named:
        unknown = [arm for arm in arms if arm not in comparison.arms]
        unmeasured = [arm for arm in arms if arm not in unknown and not comparison.arms[arm].measured]
        if unmeasured:
            raise ValueError(f"{path}: {where} names {unmeasured}, which are not measured")
        if unknown or (where.startswith("differences") and len(arms) != 2):
            raise ValueError(
                f"{path}: {where} is {arms}, wanted arms among {list(comparison.arms)}, two of a difference"
            )
    for name, measure in comparison.measures.items():
        untrained = [arm for arm in comparison.arms_of(name) if not comparison.arms[arm].trained]
        if measure.kind == PROMPTS and untrained:
            raise ValueError(
                f"{path}: measures.{name} asks {untrained} by prompts, an untrained arm has no text tower"
            )
    return comparison


def _check_measure(measure: MeasureSection, where: str) -> None:
    given = {key for key in ("label_set", "column", "target", "prompts") if getattr(measure, key) is not None}
    wanted = {
        PROBE: [{"label_set"}, {"column"}],
        FINETUNE: [{"label_set"}, {"target"}],
        REGRESSION: [{"target"}],
        PROMPTS: [{"prompts"}],
    }
    if measure.kind not in KINDS:
        raise ValueError(f"{where}.kind is {measure.kind!r}, wanted one of {', '.join(KINDS)}")
    if measure.by is not None and (measure.kind != PROMPTS or measure.by not in WAYS):
        raise ValueError(f"{where}.by is {measure.by!r}, wanted one of {', '.join(WAYS)}, of kind {PROMPTS!r}")
    if measure.rarity and (measure.by or NAMES) == NAMES:
        raise ValueError(f"{where}.rarity weighs the features of descriptions, and by is {measure.by or NAMES!r}")
    if measure.fraction is not None and (measure.kind != PROBE or not 0 < measure.fraction <= 1):
        raise ValueError(f"{where}.fraction is {measure.fraction}, wanted above 0 and at most 1, of kind {PROBE!r}")
    if given not in wanted[measure.kind]:
        choices = " or ".join(" and ".join(sorted(choice)) for choice in wanted[measure.kind])
        raise ValueError(f"{where} gives {sorted(given) or 'nothing'}, {measure.kind} wants {choices}")


@dataclass(frozen=True)
class Turn:
    """One turn of a rotation: `test` folds are judged by what the others trained and chose."""

    test: tuple[int, ...]
    validation: tuple[int, ...]
    train: tuple[int, ...]

    @property
    def name(self) -> str:
        """Such as `test_1_2`."""
        return "test_" + "_".join(map(str, self.test))


def rotation(folds: Sequence[int] = tuple(range(1, 11)), size: int = 2) -> list[Turn]:
    """Turns in which every fold is tested once: `size` folds test, the next one chooses, the rest train.

    Raises:
        ValueError: folds that `size` does not divide, or too few of them.

    Example:
        >>> from hf_ecg.studies.comparison.comparison_spec import rotation
        >>> rotation()[4]
        Turn(test=(9, 10), validation=(1,), train=(2, 3, 4, 5, 6, 7, 8))
    """
    folds = list(folds)
    if size < 1 or len(folds) % size or len(folds) < size + 2 or len(set(folds)) != len(folds):
        raise ValueError(f"{len(folds)} folds {folds} cannot be tested {size} at a time with two left for the rest")
    turns = []
    for start in range(0, len(folds), size):
        order = folds[start:] + folds[:start]
        turns.append(Turn(tuple(order[:size]), (order[size],), tuple(sorted(order[size + 1 :]))))
    return turns
