"""What a study of cohorts trains and asks: cohorts, tasks that they share, arms; read from strict YAML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub.dataclasses import strict

from ...checks import check_one_of, nearest
from ...input_files import read_input
from ...strict_yaml import load_yaml
from ...training.data_sections import BATCHES, MIXED
from ...training.recipe import Recipe, as_override, load_recipe
from ...training.sections import parse_section
from ...training.step_costs import CLOCKS, CPU
from ..comparison.arm_runs import slug


@strict
@dataclass
class CohortSection:
    """One corpus.

    Args:
        config: its configuration; None where it has one.
    """

    config: str | None = None


@strict
@dataclass
class TruthSection:
    """Which records of a cohort are positive.

    Args:
        positive: classes of the label set, or values of the column: one of them is enough.
        label_set: records that are not annotated for it are left out.
        column: in place of a label set, a column of names such as `sex`; null is left out.
    """

    positive: list[str]
    label_set: str | None = None
    column: str | None = None

    def validate_truth(self):
        if (self.label_set is None) == (self.column is None) or not self.positive:
            raise ValueError(
                f"a task's truth has label_set {self.label_set!r}, column {self.column!r}, positive {self.positive}:"
                " wanted either a label set or a column, and at least one name"
            )


@strict
@dataclass
class TaskSection:
    """One question with yes and no as answers.

    Args:
        truth: cohort -> which of its records are positive; cohorts that do not know the answer are left out.
    """

    truth: dict[str, TruthSection]


@strict
@dataclass
class CohortArm:
    """One way to pretrain.

    Args:
        cohorts: that it is pretrained on.
        batches: `data.batches` of the recipe: mixed or one_source.
        trained: false for the recipe's network with its first weights.
    """

    cohorts: list[str]
    batches: str = MIXED
    trained: bool = True

    def validate_batches(self):
        check_one_of("batches", self.batches, BATCHES)


@strict
@dataclass
class FoldsSection:
    """Folds of every cohort: to pretrain and to fit probes on, and to judge on."""

    train: list[int]
    test: list[int]

    def validate_folds(self):
        both = sorted(set(self.train) & set(self.test))
        if both or not self.train or not self.test:
            raise ValueError(f"folds are train {self.train} and test {self.test}, wanted some of each, none twice")


@strict
@dataclass
class CohortStudy:
    """Arms of one recipe, all with as many steps.

    Args:
        title: of the report.
        recipe: file of the recipe, beside this one; it says data.records_per_epoch, so that epochs are alike.
        minutes: for which the arm with the most cohorts trains, by its own steps; the others take as many steps.
        clock: of these minutes, see `training.step_costs.measure_costs`.
        folds: the same numbers in every cohort.
        cohorts: name -> corpus; the folder is given with the command.
        tasks: name -> question.
        arms: name -> what it is pretrained on.
        differences: pairs of arms, the second subtracted from the first.
        overrides: of the recipe in every arm.
        notes: what a reader must know beside the figures.
    """

    title: str
    recipe: str
    minutes: float
    folds: FoldsSection
    cohorts: dict[str, CohortSection]
    tasks: dict[str, TaskSection]
    arms: dict[str, CohortArm]
    clock: str = CPU
    differences: list[list[str]] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def validate_study(self):
        check_one_of("clock", self.clock, CLOCKS)
        if not self.minutes > 0:
            raise ValueError(f"minutes is {self.minutes}, wanted above 0")
        if len(self.cohorts) < 2:
            raise ValueError(f"cohorts are {list(self.cohorts)}, wanted at least two")
        if not any(arm.trained for arm in self.arms.values()):
            raise ValueError(f"arms are {list(self.arms)}, wanted at least one that is trained")
        for name, task in self.tasks.items():
            _check_names(f"tasks.{name}.truth", task.truth, self.cohorts)
        for name, arm in self.arms.items():
            _check_names(f"arms.{name}.cohorts", arm.cohorts, self.cohorts)
            if not arm.cohorts:
                raise ValueError(f"arms.{name}.cohorts is empty")
        for place, pair in enumerate(self.differences):
            _check_names(f"differences.{place}", pair, self.arms)
            if len(pair) != 2:
                raise ValueError(f"differences.{place} is {pair}, wanted two arms")
        slugs = [slug(name) for name in self.arms]
        if len(set(slugs)) < len(slugs):
            raise ValueError(f"arms {list(self.arms)}: two would share a folder, wanted other letters or digits")

    @property
    def largest_arm(self) -> str:
        """The first of the trained arms with the most cohorts, whose steps are measured."""
        trained = [name for name, arm in self.arms.items() if arm.trained]
        return max(trained, key=lambda name: len(self.arms[name].cohorts))


def _check_names(where: str, names, known: Mapping) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where} names {name!r}{nearest(name, known)}, wanted some of {list(known)}")


def load_study(path) -> CohortStudy:
    """Reads a study.

    Raises:
        ValueError: an unknown or missing key, a cohort or arm that is not there, folds in both parts.
        OSError: the file cannot be read.
    """
    return parse_section(CohortStudy, load_yaml(read_input(path), str(path)), "", str(path))


def folders_of(study: CohortStudy, data: Sequence[str]) -> dict[str, str]:
    """Cohort -> prepared corpus, of words such as `PTB-XL=corpus`.

    Raises:
        ValueError: another form, an unknown cohort, one that is named twice, or one without a folder.
    """
    found: dict[str, str] = {}
    for word in data:
        name, equals, folder = word.partition("=")
        if not equals or not folder:
            raise ValueError(f"--data {word!r}: wanted COHORT=FOLDER with a cohort of {list(study.cohorts)}")
        _check_names("--data", [name], study.cohorts)
        if name in found:
            raise ValueError(f"--data names {name!r} twice")
        found[name] = folder
    absent = [name for name in study.cohorts if name not in found]
    if absent:
        raise ValueError(f"--data gives no folder for {absent}: wanted {absent[0]}=FOLDER")
    return {name: found[name] for name in study.cohorts}


def arm_recipe(
    study: CohortStudy, name: str, directory, folders: Mapping[str, str], given: Sequence[str] = ()
) -> Recipe:
    """The recipe of an arm; how long it trains is not yet said.

    Args:
        name: of the arm.
        directory: folder of the study's file, which the recipe is relative to.
        folders: cohort -> prepared corpus.
        given: overrides that hold in every arm.

    Raises:
        ValueError: overrides of what the study sets, or what `load_recipe` refuses.
    """
    taken = ("data.sources", "data.batches", "run.seed", "run.epochs", "run.max_steps")
    overrides = [*study.overrides, *given]
    wrong = [one for one in overrides if one.partition("=")[0].strip().startswith(taken)]
    if wrong:
        raise ValueError(f"{wrong} would set sources, batches, seed or length, which the study sets")
    arm = study.arms[name]
    sources = [
        {"path": folders[cohort], "config": study.cohorts[cohort].config}
        | {"folds": {"train": study.folds.train, "validation": []}}
        for cohort in arm.cohorts
    ]
    overrides += [as_override("data.sources", sources), as_override("data.batches", arm.batches)]
    try:
        recipe = load_recipe(Path(directory) / study.recipe, overrides)
    except ValueError as error:
        raise ValueError(f"arm {name!r}: {error}") from error
    if recipe.data.records_per_epoch is None:
        raise ValueError(f"{study.recipe} has no data.records_per_epoch, so that arms would differ in their steps")
    return recipe
