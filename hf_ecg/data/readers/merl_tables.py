"""MERL's released split tables, matched by column name, and what is wrong with them.

Source: Liu et al., ICML 2024 (arXiv 2403.06659), finetune/data_split of MERL-ICML2024. MELP, HeartLang and CLEF use
the same files. Two faults are known, and counted here anew from whatever files are given:

- the training table of PTB-XL's subclasses has three columns in another order than the other two, so labels taken by
  position are wrong;
- the labels of Chapman-Shaoxing-Ningbo (`chapman`) were made by looking for a class's acronym inside the joined text
  of all of them: "AVB" was found in "1AVB", "AF" in "AFIB".
"""

import posixpath
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers.utils import logging

from ...clinical.tables import read_table

logger = logging.get_logger(__name__)

LABELS = ("exact", "merl")
SPLIT_FILES = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class MerlTask:
    """Files, key column, classes (in the order of the released test file) and records of a task."""

    files: str
    key: str
    classes: tuple[str, ...]
    records: tuple[int, int, int]
    written: str | None = None


def _task(files: str, key: str, classes: str, records: tuple[int, int, int], written: str | None = None) -> MerlTask:
    return MerlTask(files, key, tuple(classes.split()), records, written)


TASKS = {
    "ptb_xl_superdiagnostic": _task(
        "ptbxl/super_class/ptbxl_super_class", "ecg_id", "HYP NORM MI CD STTC", (17084, 2146, 2158)
    ),
    "ptb_xl_subdiagnostic": _task(
        "ptbxl/sub_class/ptbxl_sub_class",
        "ecg_id",
        "AMI LAFB/LPFB LVH STTC IMI SEHYP CRBBB WPW LAO/LAE NORM ISC AVB RAO/RAE LMI ISCI ISCA NST CLBBB ILBBB IRBBB"
        " PMI RVH IVCD",
        (17084, 2146, 2158),
    ),
    "ptb_xl_form": _task(
        "ptbxl/form/ptbxl_form",
        "ecg_id",
        "PAC DIG HVOLT STD LPR QWAVE VCLVH NDT TAB LOWT ABQRS LNGQT PRC(S) NT STE NST PVC INVT LVOLT",
        (7197, 901, 880),
    ),
    "ptb_xl_rhythm": _task(
        "ptbxl/rhythm/ptbxl_rhythm",
        "ecg_id",
        "SVARR BIGU STACH SARRH SBRAD TRIGU AFIB SR SVTAC PSVT AFLT PACE",
        (16832, 2100, 2098),
    ),
    "cpsc2018": _task("icbeb/icbeb", "filename", "AFIB VPC NORM 1AVB CRBBB STE PAC CLBBB STD", (4950, 551, 1376)),
    "csn": _task(
        "chapman/chapman",
        "ecg_path",
        "AQW UW SR WPW 2AVB AT VB ARS STTC SA STE VPB TWO STTU ALS APB 2AVB1 PRIE CCR CR AF AVB QTIE LBBB VEB SVT RBBB"
        " 1AVB STDD MI AFIB TWC PWC ERV RVH LVH ST JEB",
        (16546, 1860, 4620),
        written="diagnose",
    ),
}


@dataclass(frozen=True)
class MerlRow:
    """A record of the tables.

    `released`: classes whose columns are 1. `written`: the acronyms beside them, which also name what is not a class
    of the task; None where the tables have none. `exact`: the classes that are written, acronym for acronym; without
    acronyms, `released`.
    """

    split: str
    released: tuple[str, ...]
    exact: tuple[str, ...]
    written: tuple[str, ...] | None

    def labels(self, kind: str = "exact") -> tuple[str, ...]:
        """Classes of the record: "exact", or "merl" as released."""
        if kind not in LABELS:
            raise ValueError(f"labels is {kind!r}, wanted one of {LABELS}")
        return self.released if kind == "merl" else self.exact


@dataclass(frozen=True)
class MerlTable:
    """A task's three tables as one.

    `rows`: record name -> row, in the order of the files. `classes`: in the order of the test file. `moved_columns`:
    split -> {class: the class that the test file has in its place}, for the tables in another order.
    """

    task: str
    classes: tuple[str, ...]
    rows: dict[str, MerlRow]
    moved_columns: dict[str, dict[str, str]]

    def sizes(self) -> dict[str, int]:
        """Records a split."""
        return {split: sum(row.split == split for row in self.rows.values()) for split in SPLIT_FILES}

    def wrong_positives(self, kind: str = "merl") -> dict[str, tuple[int, int]]:
        """Class -> (records that have it without its being written, records that have it), where there are any."""
        wrong, total = Counter(), Counter()
        for row in self.rows.values():
            having = row.labels(kind)
            total.update(having)
            if row.written is not None:
                wrong.update(name for name in having if name not in row.written)
        return {name: (wrong[name], total[name]) for name in self.classes if wrong[name]}

    def wrong_by_position(self) -> dict[str, int]:
        """Split -> records whose labels are wrong when columns are taken by position, in the test file's order."""
        counts = {}
        for split, moved in self.moved_columns.items():
            rows = [row for row in self.rows.values() if row.split == split]
            counts[split] = sum({moved.get(name, name) for name in row.released} != set(row.released) for row in rows)
        return counts

    def problems(self) -> list[str]:
        """One sentence a fault; empty for tables that have none."""
        by_position, sizes, found = self.wrong_by_position(), self.sizes(), []
        if (numbers := tuple(sizes.values())) != TASKS[self.task].records:
            found.append(
                f"{self.task}: {numbers} records in train, val and test, released were {TASKS[self.task].records}"
            )
        for split, moved in self.moved_columns.items():
            places = ", ".join(f"{name} where test has {other}" for name, other in moved.items())
            found.append(
                f"{self.task}: the columns of {SPLIT_FILES[split]} are in another order than those of test ({places});"
                f" taken by position, {by_position[split]} of {sizes[split]} records would get wrong labels:"
                " they are matched by name"
            )
        wrong = ", ".join(f"{name} {count} of {total}" for name, (count, total) in self.wrong_positives().items())
        if wrong:
            found.append(
                f"{self.task}: released positives that are not written in the record's own statements: {wrong}"
            )
        return found


def read_merl_table(folder, task: str) -> MerlTable:
    """The train, val and test tables of a task; the log tells their problems.

    Args:
        folder: with `ptbxl/`, `icbeb/` and `chapman/`, as in MERL's finetune/data_split.
        task: one of `TASKS`.

    Raises:
        ValueError: an unknown task, a table that lacks classes or has others, a label that is not 0 or 1, a record
            that stands in the tables twice.
        OSError: a table is not there.
    """
    if task not in TASKS:
        raise ValueError(f"task is {task!r}, wanted one of {tuple(TASKS)}")
    chosen, rows, orders = TASKS[task], {}, {}
    owner: dict[str, str] = {}
    for split, name in SPLIT_FILES.items():
        path = Path(folder, f"{chosen.files}_{name}.csv")
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: {folder} is not a folder of MERL's split tables for {task}")
        lines = read_table(path, (chosen.key, *chosen.classes, *([chosen.written] if chosen.written else [])))
        if not lines:
            raise ValueError(f"{path} has no records")
        orders[split] = _class_columns(list(lines[0]), chosen, path)
        for number, line in enumerate(lines, start=2):
            record = posixpath.splitext(posixpath.basename(line[chosen.key]))[0]
            where = f"{path}, line {number} ({chosen.key} {line[chosen.key]!r})"
            if not record:
                raise ValueError(f"{where}: no record is named")
            first = owner.setdefault(record, where)
            if first != where:
                raise ValueError(f"{where}: this record stands there twice, first in {first}")
            rows[record] = _row(split, line, chosen, where)
    reference = orders["test"]
    moved = {
        split: {name: other for name, other in zip(order, reference, strict=True) if name != other}
        for split, order in orders.items()
        if order != reference
    }
    table = MerlTable(task, tuple(reference), rows, moved)
    for problem in table.problems():
        logger.warning("%s", problem)
    return table


def _class_columns(names: Sequence[str], task: MerlTask, path: Path) -> list[str]:
    # the classes are the last columns; whatever else stands among them is a class that nobody asked for
    first = min(names.index(name) for name in task.classes)
    columns = list(names[first:])
    others = [name for name in columns if name not in task.classes]
    if others:
        raise ValueError(
            f"{path} has the label columns {others}, wanted the {len(task.classes)} classes of MERL's task"
        )
    return columns


def _row(split: str, line: dict, task: MerlTask, where: str) -> MerlRow:
    wrong = {name: line[name] for name in task.classes if line[name] not in ("0", "1")}
    if wrong:
        raise ValueError(f"{where}: the labels {wrong} are neither 0 nor 1")
    released = tuple(name for name in task.classes if line[name] == "1")
    if task.written is None:
        return MerlRow(split, released, released, None)
    written = tuple(token.strip() for token in line[task.written].split(",") if token.strip())
    if not written:
        raise ValueError(f"{where}: the column {task.written} is empty")
    return MerlRow(split, released, tuple(name for name in task.classes if name in written), written)
