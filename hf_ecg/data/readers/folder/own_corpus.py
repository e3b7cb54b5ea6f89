"""A person's own records as a corpus: a folder of files or one array, and a table of what is known of them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import Value

from ....checks import check_bool
from ...builder import Corpus
from ...schema import row_features
from ..windows import WindowRule
from .array_file import ENDINGS, ArrayFile, array_file
from .first_look import first_look
from .listing import Listing, list_records
from .own_card import DEVICE_STATEMENTS, card
from .own_records import OwnReader, OwnRecord, RecordSource
from .patient_folds import FOLDS, check_folds, patient_folds, splits_of_folds
from .table import read_own_table
from .table_facts import ColumnChoice, TableFacts, table_facts

_EXTRA = {
    "window_start": Value("float32"),
    "recorded_seconds": Value("float32"),
    "recorded_sampling_rate": Value("float32"),
}


@dataclass(frozen=True)
class OwnData:
    """What there is, and how it is read.

    Args:
        data_dir: folder of records at any depth, or the file of one array.
        table: CSV or parquet, a row a record; None: nothing is known of the records.
        columns: which columns of the table say what.
        name: of the corpus; None takes that of the folder.
        leads: to take of each record; for an array that does not say them, its own.
        rename: names of leads for channels; see `hf_ecg.read`.
        sampling_rate: of the rows, hertz; None takes the records' own. For an array that does not say it, its own.
        units: of an array that does not say them.
        dataset: name of the array in its file.
        window_seconds, short_records, max_windows: see `WindowRule`.
        device_texts: make the texts of the rows of what the devices said, as they wrote it.
        folds: how many.
        seed: of the folds.
    """

    data_dir: str | Path
    table: str | Path | None = None
    columns: ColumnChoice = ColumnChoice()
    name: str | None = None
    leads: Sequence[str] | None = None
    rename: Mapping[str | int, str] | None = None
    sampling_rate: int | None = None
    units: str | None = None
    dataset: str | None = None
    window_seconds: float | None = None
    short_records: str = "keep"
    max_windows: int | None = None
    device_texts: bool = False
    folds: int = FOLDS
    seed: int = 0


@dataclass
class OwnCorpus:
    """The corpus to prepare, and what its command tells.

    Args:
        corpus: see there.
        told: what a person should know before it is read, a sentence each.
        splits: split -> its folds.
        label_sets, targets: names of what can be trained on.
        fewest: see `fewest_of_a_class`; None without labels.
        single_label: whether there is one label set, of which every annotated record has one class.
    """

    corpus: Corpus
    told: list[str]
    splits: dict[str, list[int]]
    label_sets: list[str]
    targets: list[str]
    fewest: int | None
    single_label: bool


def own_corpus(data: OwnData) -> OwnCorpus:
    """Lists records and table, deals folds, and looks at some records; nothing is written.

    Raises:
        ValueError: a column, value, rate, lead or unit that does not fit, a table of other records.
        OSError: folder, file or table is not there, or no record.
        ImportError: an HDF5 file and no h5py.
    """
    path, choice = Path(data.data_dir), data.columns
    check_folds(data.folds)
    if data.table is None and choice.any():
        raise ValueError("columns are named and no table: give it by --table")
    check_bool("device_texts", data.device_texts)
    if data.device_texts and choice.text is not None:
        raise ValueError(f"texts are of the column {choice.text!r} and of the devices (--device_texts): choose one")
    table = None if data.table is None else read_own_table(data.table)
    facts = TableFacts() if table is None else table_facts(table, choice)
    array = _array(data, path)
    if data.device_texts and array is not None:
        raise ValueError(f"{path} is an array, which holds no statements of a device (--device_texts)")
    listing = list_records(path, array, table, facts, choice.record)
    # what leads names, of an array that does not say them, is all of it
    chosen = data.leads if array is None or array.says_leads else None
    source = RecordSource(path, array, chosen, data.rename)
    look = first_look([record.source for record in listing.records], source)
    if array is not None:
        array.close()
    rate = look.rate() if data.sampling_rate is None else data.sampling_rate
    fold_of, told = patient_folds(listing.records, facts.label_sets, data.folds, data.seed)
    splits = splits_of_folds(list(fold_of.values()), facts.folds_are_splits)
    items = {
        split: [
            OwnRecord(one.name, one.source, one.patient, fold_of[one.patient], one.columns)
            for one in listing.records
            if fold_of[one.patient] in folds
        ]
        for split, folds in splits.items()
    }
    texts = look.told_of_texts(data.device_texts, choice.text is not None or array is not None)
    told += _of_patients(splits, choice.patient)
    return OwnCorpus(
        _corpus(data, rate, table, facts, listing, items, source, look),
        [*listing.told, *facts.told, *look.told(rate), *texts, *told],
        splits,
        list(facts.label_sets),
        facts.target_names,
        None if not facts.label_sets else fewest_of_a_class(items, facts.label_sets),
        facts.one_class_each(),
    )


def _corpus(data: OwnData, rate: int, table, facts: TableFacts, listing: Listing, items: dict, source, look) -> Corpus:
    path, choice = Path(data.data_dir).resolve(), data.columns
    rule = WindowRule(rate, data.window_seconds, data.short_records, data.max_windows)
    name = _name(data.name or (path.stem if source.array is not None else path.name))
    return Corpus(
        config_name=f"{name}_{rate}hz",
        features=row_features(1, None, facts.label_sets, extra=facts.targets | _EXTRA),
        splits=items,
        read=OwnReader(source, rule, data.device_texts),
        facts={
            "corpus": name,
            "sampling_rate": rate,
            "window_rule": rule.describe(),
            "records_found": len(listing.records) + len(listing.unlisted),
            "table": None if table is None else table.path.name,
            "columns": {key: value for key, value in vars(choice).items() if value},
            "seed": data.seed,
            "files_without_a_row": listing.unlisted,
            **({"text_source": "report"} if choice.text else {}),
            **({"text_source": DEVICE_STATEMENTS} if data.device_texts else {}),
            **({} if source.leads is None else {"leads": list(source.leads)}),
            **({"single_lead": True} if look.is_lead_one() else {}),
        },
        card=card,
        front_matter={"pretty_name": name},
        skipped=listing.skipped,
        left_out={"file without a row in the table": len(listing.unlisted)} if listing.unlisted else {},
    )


def fewest_of_a_class(items: Mapping[str, Sequence[OwnRecord]], label_sets: Mapping[str, Sequence[str]]) -> int | None:
    """Of the best class: how many records have it, or do not, in validation or test, whichever is least.

    None where no class tells any two records apart, or a split is empty.
    """
    if not all(items.values()):
        return None
    best = None
    for name, classes in label_sets.items():
        for one in classes:
            having = {
                split: [one in item.columns[name] for item in part if item.columns.get(name) is not None]
                for split, part in items.items()
            }
            if len({flag for flags in having.values() for flag in flags}) < 2:
                continue
            fewest = min(having[split].count(flag) for split in ("validation", "test") for flag in (True, False))
            best = max(best or 0, fewest)
    return best


def _of_patients(splits: Mapping[str, Sequence[int]], column: str | None) -> list[str]:
    told = []
    if column is None:
        told.append(
            "patients are not known (--patient_column): every record counts as a patient of its own, and folds may"
            " share people"
        )
    lacking = [split for split, folds in splits.items() if not folds]
    if lacking:
        told.append(
            f"there are no rows for {' and '.join(lacking)}: fine-tuning and evaluation need three patients or more,"
            " in folds of their own"
        )
    return told


def _array(data: OwnData, path: Path) -> ArrayFile | None:
    if path.is_dir() or not path.exists() or path.suffix.lower() not in ENDINGS:
        if path.is_file():
            raise ValueError(f"{path} is a file, wanted a folder of records, or an array ({', '.join(ENDINGS)})")
        for option in ("dataset", "units"):
            if getattr(data, option) is not None:
                raise ValueError(f"--{option} is for the file of an array, and {path} is a folder")
        return None
    return array_file(path, data.dataset, data.leads, data.sampling_rate, data.units)


def _name(text: str) -> str:
    """A name of small letters, digits and underscores: what `datasets` takes for a configuration."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_") or "own"
