"""The six tasks of MERL's and FG-CLEP's benchmark, and the prepared corpora that they are asked of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from datasets import Dataset

from ...clinical.prompts import FOLDER, PromptSet, load_merl_prompts, load_prompts
from ...data.corpus import config_names, corpus_name, label_names, load_corpus
from ...data.corpus_card import read_summary
from ..judging.validation import LABELLED, NEGATIVE

# Which records a task is asked of; the published figures are of those that carry a label of it.
ROWS = {LABELLED: "labelled", NEGATIVE: "all records"}
STATEMENTS, NAMES = "statements", "names"


@dataclass(frozen=True)
class BenchmarkTask:
    """One task.

    Args:
        name: also that of its prompt set.
        corpus: that of configurations such as `csn_500hz`.
        label_set: the classes asked for.
        preferred: label set to take in its place where the corpus has it: MERL's 38 classes of CSN.
    """

    name: str
    title: str
    corpus: str
    label_set: str
    preferred: str | None = None


TASKS = (
    BenchmarkTask("ptb_xl_superdiagnostic", "PTB-XL superdiagnostic", "ptb_xl", "superdiagnostic"),
    BenchmarkTask("ptb_xl_subdiagnostic", "PTB-XL subdiagnostic", "ptb_xl", "subdiagnostic"),
    BenchmarkTask("ptb_xl_form", "PTB-XL form", "ptb_xl", "form"),
    BenchmarkTask("ptb_xl_rhythm", "PTB-XL rhythm", "ptb_xl", "rhythm"),
    BenchmarkTask("cpsc2018", "CPSC2018", "cpsc2018", "statements"),
    BenchmarkTask("csn", "CSN", "csn", "statements", preferred="merl"),
)


@dataclass(frozen=True)
class BenchmarkCorpus:
    """A prepared corpus with its rows by split, and the tasks asked of it."""

    name: str
    path: str
    config: str
    summary: dict
    splits: dict[str, Dataset]
    tasks: tuple[BenchmarkTask, ...]

    def class_names(self, task: BenchmarkTask) -> list[str]:
        """Classes of a task, in the order of the corpus."""
        return list(label_names(self.splits["test"], task.label_set))

    def cut_recordings(self) -> int | None:
        """How many recordings the test rows are windows of; None where no recording has several rows."""
        test = self.splits.get("test")
        if test is None or "window_start" not in test.column_names:
            return None
        recordings = sum(start == 0 for start in test.select_columns("window_start")["window_start"])
        return recordings if recordings < len(test) else None


def choose_tasks(names: Sequence[str] | None) -> tuple[BenchmarkTask, ...]:
    """Tasks of these names, all of them for None.

    Raises:
        ValueError: an unknown name.
    """
    known = [task.name for task in TASKS]
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        raise ValueError(f"tasks {unknown} are unknown, wanted some of {known}")
    return tuple(task for task in TASKS if not names or task.name in names)


def open_corpora(
    paths: Sequence[str],
    configs: Sequence[str],
    folds: Mapping[str, list[int]],
    tasks: Sequence[BenchmarkTask],
    strict: bool = False,
) -> list[BenchmarkCorpus]:
    """Prepared corpora with the rows of the folds.

    Args:
        paths: folders or Hub ids.
        configs: configurations to take where a corpus has several.
        folds: of "train", "validation" and "test".
        tasks: those wanted.
        strict: keep rows that are marked as unusable, at which the judging then stops.

    Raises:
        ValueError: a corpus that no task is asked of, one given twice, no label set of a task's name, no rows in a
            fold, several configurations and none of them named.
        OSError: no prepared corpus there.
    """
    opened: dict[str, BenchmarkCorpus] = {}
    for path in paths:
        config = _config(path, configs)
        name = corpus_name(config)
        asked = tuple(task for task in tasks if task.corpus == name)
        if not asked:
            wanted = sorted({task.corpus for task in tasks})
            raise ValueError(f"{path} holds {config}, of which no task is asked; the tasks are of {wanted}")
        if name in opened:
            raise ValueError(f"{opened[name].path} and {path} both hold {name}, wanted one")
        splits = {
            split: load_corpus(path, config=config, folds=numbers, keep_unusable=strict)
            for split, numbers in folds.items()
        }
        asked = tuple(_with_label_set(task, splits["test"], path) for task in asked)
        opened[name] = BenchmarkCorpus(name, str(path), config, read_summary(path), splits, asked)
    return list(opened.values())


def _with_label_set(task: BenchmarkTask, dataset: Dataset, path: str) -> BenchmarkTask:
    if task.preferred in dataset.column_names:
        return replace(task, label_set=task.preferred)
    try:
        label_names(dataset, task.label_set)
    except ValueError as error:
        raise ValueError(f"{path}, {task.title}: {error}") from error
    return task


def _config(path: str, configs: Sequence[str]) -> str:
    names = config_names(path)
    chosen = names if len(names) == 1 else [name for name in names if name in configs]
    if len(chosen) != 1:
        raise ValueError(f"{path} has the configurations {names}: name one of them")
    return chosen[0]


def task_prompts(task: BenchmarkTask, class_names: Sequence[str], source: str = STATEMENTS) -> PromptSet:
    """Prompts of a task, for all of its classes and in their order.

    Args:
        source: "statements" (the words of the corpus's statements), "names" (the class's name alone, as FG-CLEP asks,
            where the package has a set of that kind), MERL's CKEPE_prompt.json, or a YAML file.

    Raises:
        ValueError: a class without prompts, a file of another label set, a bad file.
        OSError: no such file.
    """
    if source.endswith(".json"):
        return load_merl_prompts(source, task.label_set, class_names)
    if source == NAMES:
        source = f"{task.name}_names" if (FOLDER / f"{task.name}_names.yaml").is_file() else task.name
    prompts = load_prompts(task.name if source == STATEMENTS else source)
    wanted = {known.label_set for known in TASKS if known.name == task.name} | {task.label_set}
    if prompts.label_set not in wanted:
        raise ValueError(f"{source} is of the label set {prompts.label_set}, {task.title} wants {sorted(wanted)}")
    return replace(prompts.for_classes(class_names), label_set=task.label_set)


def parse_prompts(choices: Sequence[str], tasks: Sequence[BenchmarkTask]) -> dict[str, str]:
    """`["names", "ptb_xl_form=mine.yaml"]` -> task name -> source, see `task_prompts`.

    Raises:
        ValueError: an unknown task, or several sources for all tasks.
    """
    known = [task.name for task in tasks]
    special = dict(choice.split("=", 1) for choice in choices if "=" in choice)
    general = [choice for choice in choices if "=" not in choice]
    unknown = sorted(set(special) - set(known))
    if unknown or len(general) > 1:
        raise ValueError(f"prompts are {list(choices)}, wanted one source and TASK=SOURCE with TASK of {known}")
    return {name: special.get(name, general[0] if general else STATEMENTS) for name in known}
