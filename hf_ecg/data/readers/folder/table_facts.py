"""What the columns of a person's own table say of each record: labels, numbers, text, age, sex, patient, fold."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from datasets import Value

from ...schema import row_features
from .table import Table, decimal, known

LABELS = "labels"
_SEXES = {
    "male": "male",
    "m": "male",
    "man": "male",
    "female": "female",
    "f": "female",
    "w": "female",
    "woman": "female",
}
# 9 of 10 and 10 of 10 are what all readers validate and test on.
SPLIT_FOLDS = {"train": 1, "training": 1, "validation": 9, "valid": 9, "val": 9, "dev": 9, "test": 10}
_OLDEST, _NO_AGE = 90.0, 130.0
# A column of more classes than this, in more than every other row its own, is text or an identifier.
_MANY_CLASSES = 50
# So is one in which nearly every row has its own; of so few rows nobody can tell.
_FEW_ROWS = 10
_OWN = {"record_id", "patient_id", "signal", "num_samples", "sampling_rate", "fold"}
_HIGHEST_FOLD = 127


@dataclass(frozen=True)
class ColumnChoice:
    """Which columns of the table say what; all names as they stand in its first line.

    Args:
        record: file of the record, or its row in the array.
        patient: whose record it is.
        labels: each a label set: "a,b" of columns of 0 and 1, or "NAME=a,b" for a set of that name.
        label_columns: each a label set: a column of class names, or "NAME=COLUMN".
        targets: columns of numbers, or "NAME=COLUMN".
        text: report of the record.
        age: years.
        sex: male, female, or their first letters.
        fold: a number, or train, validation, test.
    """

    record: str | None = None
    patient: str | None = None
    labels: Sequence[str] = ()
    label_columns: Sequence[str] = ()
    targets: Sequence[str] = ()
    text: str | None = None
    age: str | None = None
    sex: str | None = None
    fold: str | None = None

    def any(self) -> bool:
        """Whether a table is needed."""
        return any(value for value in vars(self).values())


@dataclass
class TableFacts:
    """What a table says.

    Attributes:
        label_sets: name -> classes.
        targets: name -> feature, of the columns that not every corpus has.
        target_names: of all targets.
        rows: of each row of the table, the columns of the corpus that it fills.
        folds_are_splits: the column of folds says train, validation and test, not numbers.
        patients, folds: of each row, a patient None where the cell is empty; None where no column says them.
        told: what a person should know of the labels, a sentence each.
    """

    label_sets: dict[str, list[str]] = field(default_factory=dict)
    targets: dict[str, object] = field(default_factory=dict)
    target_names: list[str] = field(default_factory=list)
    rows: list[dict] = field(default_factory=list)
    patients: list[str | None] | None = None
    folds: list[int] | None = None
    folds_are_splits: bool = False
    told: list[str] = field(default_factory=list)

    def one_class_each(self) -> bool:
        """Whether there is one label set of several classes, of which every annotated row has exactly one."""
        if len(self.label_sets) != 1:
            return False
        ((name, classes),) = self.label_sets.items()
        return len(classes) > 1 and all(row[name] is None or len(row[name]) == 1 for row in self.rows)


def table_facts(table: Table, choice: ColumnChoice) -> TableFacts:
    """Reads the chosen columns.

    Raises:
        ValueError: a column that is not there, a value that does not fit, a name that is taken; it names the lines.
    """
    facts = TableFacts(rows=[{} for _ in table.rows])
    for given in choice.labels:
        _add_flags(facts, table, given)
    for given in choice.label_columns:
        _add_classes(facts, table, given)
    _add_targets(facts, table, choice)
    _fill(facts, "age", _ages(table, choice.age))
    _fill(
        facts, "sex", [None] * len(table) if choice.sex is None else table.parsed(choice.sex, "male or female", _sex)
    )
    texts = [""] * len(table) if choice.text is None else table.column(choice.text)
    _fill(facts, "text", texts)
    _fill(facts, "report", [text or None for text in texts])
    if choice.patient is not None:
        facts.patients = [name if known(name) else None for name in table.column(choice.patient)]
    if choice.fold is not None:
        facts.folds = _folds(table, choice.fold)
        facts.folds_are_splits = all(cell.casefold() in SPLIT_FOLDS for cell in table.column(choice.fold))
    return facts


def _fill(facts: TableFacts, name: str, values: Sequence) -> None:
    for row, value in zip(facts.rows, values, strict=True):
        row.setdefault(name, value)


def _split_name(table: Table, given: str) -> tuple[str | None, str]:
    """NAME and the rest of NAME=REST; a column's own name may hold "="."""
    name, equals, rest = given.partition("=")
    return (name.strip(), rest.strip()) if equals and given not in table.columns else (None, given.strip())


def _new_set(facts: TableFacts, name: str, table: Table, given: str) -> None:
    if name in facts.label_sets:
        raise ValueError(
            f"two label sets are called {name!r}: write NAME={given} to call one otherwise, such as rhythm={given}"
        )
    if name in row_features(1, None, {}):
        column = given.rpartition("=")[2]
        raise ValueError(
            f"every row has a column {name!r} of its own: write NAME={column} to call the labels otherwise"
        )


def _add_flags(facts: TableFacts, table: Table, given: str) -> None:
    """A label set of columns of 0 and 1; a row that lacks one of them is not annotated."""
    name, columns = _split_name(table, given)
    classes = [column.strip() for column in columns.split(",") if column.strip()]
    twice = sorted(column for column, number in Counter(classes).items() if number > 1)
    if not classes or twice:
        raise ValueError(f"labels is {given!r}, wanted names of columns{f'; {twice} twice' if twice else ''}")
    name = name or LABELS
    _new_set(facts, name, table, given)
    flags = [table.truths(column) for column in classes]
    found, partly = [], []
    for index, row in enumerate(zip(*flags, strict=True)):
        missing = row.count(None)
        found.append(None if missing else [one for one, flag in zip(classes, row, strict=True) if flag])
        if 0 < missing < len(classes):
            partly.append(index)
    if partly:
        facts.told.append(
            f"{table.where(partly)} of {table.path.name} know some of {', '.join(classes)} and not others: they count"
            f" as not annotated for {name!r}; a label set of its own for each keeps what is known"
            f" ({' '.join(f'--labels {one}={one}' for one in classes[:2])} ...)"
        )
    _finish_set(facts, name, classes, found)


def _add_classes(facts: TableFacts, table: Table, given: str) -> None:
    """A label set of a column of class names."""
    name, column = _split_name(table, given)
    name = name or column
    _new_set(facts, name, table, given)
    found = table.classes(column)
    classes = sorted({one for cell in found for one in cell or ()})
    annotated = sum(cell is not None for cell in found)
    if not classes:
        raise ValueError(f"{table.path}: the column {column!r} is empty, wanted names of classes")
    many = len(classes) > _MANY_CLASSES and len(classes) > annotated / 2
    if many or len(classes) > max(_FEW_ROWS, 0.9 * annotated):
        raise ValueError(
            f"{table.path}: the column {column!r} has {len(classes)} different values in {annotated} rows, such as"
            f" {classes[0]!r}: these are not classes (--text_column is for texts, --targets for numbers)"
        )
    spelled: dict[str, str] = {}
    for one in classes:
        other = spelled.setdefault(one.casefold(), one)
        if other != one:
            facts.told.append(f"the classes {other!r} and {one!r} of {column!r} differ by case alone: two classes")
    _finish_set(facts, name, classes, [None if cell is None else list(cell) for cell in found])


def _finish_set(facts: TableFacts, name: str, classes: list[str], found: list[list[str] | None]) -> None:
    facts.label_sets[name] = classes
    _fill(facts, name, found)
    annotated = [cell for cell in found if cell is not None]
    if not annotated:
        facts.told.append(f"no row knows the labels of {name!r}")
    for one in classes:
        positives = sum(one in cell for cell in annotated)
        if annotated and positives in (0, len(annotated)):
            which = "all" if positives else "none"
            facts.told.append(
                f"{which} of the {len(annotated)} annotated rows are {one!r}: a classifier has nothing to learn of it"
            )


def _add_targets(facts: TableFacts, table: Table, choice: ColumnChoice) -> None:
    every = row_features(1, None, {})
    for given in choice.targets:
        name, column = _split_name(table, given)
        name = name or column
        shared = every.get(name)
        if shared is not None and (name in _OWN or getattr(shared, "dtype", "") != "float32"):
            raise ValueError(f"every row has a column {name!r} of its own: write NAME={column} to call it otherwise")
        if name in facts.target_names or name in facts.label_sets:
            raise ValueError(f"two columns are to be called {name!r}: write NAME={column} to call one otherwise")
        facts.target_names.append(name)
        if name == "age":
            if choice.age not in (None, column):
                raise ValueError(f"the age is the column {choice.age!r} and the target {column!r}: choose one")
            _fill(facts, "age", _ages(table, column))
            continue
        words = {cell.casefold() for cell in table.column(column) if known(cell)}
        values: list = table.truths(column) if words and words <= {"true", "false"} else table.numbers(column)
        if shared is None:
            facts.targets[name] = Value("float32")
        _fill(facts, name, [None if value is None else float(value) for value in values])
        distinct = {value for value in values if value is not None}
        if len(distinct) < 2:
            facts.told.append(f"the target {name!r} has {len(distinct) or 'no'} value: nothing can be learned of it")


def _ages(table: Table, column: str | None) -> list[float | None]:
    if column is None:
        return [None] * len(table)
    ages = table.numbers(column)
    wrong = [index for index, age in enumerate(ages) if age is not None and age > _NO_AGE]
    if wrong:
        raise ValueError(f"{table.path}, {table.where(wrong)}: the age is {ages[wrong[0]]:g}, wanted years")
    # -1 is how several programs write "not known"
    return [None if age is None or age < 0 else _OLDEST if age > 89 else age for age in ages]


def _sex(cell: str) -> str:
    if cell.casefold() not in _SEXES:
        raise ValueError(cell)
    return _SEXES[cell.casefold()]


def _folds(table: Table, column: str) -> list[int]:
    folds = table.parsed(column, "a whole number, or train, validation or test", _fold)
    lacking = [index for index, fold in enumerate(folds) if fold is None]
    if lacking:
        raise ValueError(f"{table.path}, {table.where(lacking)}: the fold {column!r} is empty")
    return folds


def _fold(cell: str) -> int:
    if cell.casefold() in SPLIT_FOLDS:
        return SPLIT_FOLDS[cell.casefold()]
    value = decimal(cell)
    if not value.is_integer() or not 0 <= value <= _HIGHEST_FOLD:
        raise ValueError(cell)
    return int(value)
