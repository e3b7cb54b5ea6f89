"""Folds by patient: dealt like cards, so that every class is in every fold as far as its patients go."""

from collections import Counter
from collections.abc import Mapping, Sequence

from ..splits import hashed
from .listing import ListedRecord
from .table_facts import SPLIT_FOLDS

FOLDS = 10
_FEWEST = 3
_SPLITS = ("train", "validation", "test")


def check_folds(folds: int) -> None:
    """Raises ValueError for fewer folds than training, validation and test need."""
    if folds < _FEWEST:
        raise ValueError(f"folds is {folds}, wanted at least {_FEWEST}: to train, to choose, to test")


def patient_folds(
    records: Sequence[ListedRecord], label_sets: Mapping[str, Sequence[str]], folds: int, seed: int
) -> tuple[dict[str, int], list[str]]:
    """Patient -> fold, those of the table or dealt ones; and what to tell of it, a sentence each.

    Raises:
        ValueError: the table has a patient in two folds.
    """
    if any(record.fold is not None for record in records):
        return _folds_of_table(records), []
    kinds = _rarest_classes([record.columns for record in records], label_sets)
    of_patient: dict[str, list[str]] = {}
    for record, kind in zip(records, kinds, strict=True):
        of_patient.setdefault(record.patient, []).append(kind)
    made, told = max(min(folds, len(of_patient)), _FEWEST), []
    if _FEWEST <= len(of_patient) < folds:
        told.append(f"{len(of_patient)} patients are too few for {folds} folds: {made} are made")
    return deal_folds(of_patient, made, seed), told


def _folds_of_table(records: Sequence[ListedRecord]) -> dict[str, int]:
    folds: dict[str, int] = {}
    for record in records:
        if record.fold is not None and folds.setdefault(record.patient, record.fold) != record.fold:
            both = f"{folds[record.patient]} and {record.fold}"
            raise ValueError(f"the patient {record.patient} is in the folds {both} (record {record.name}), wanted one")
    return folds


def deal_folds(kinds: Mapping[str, Sequence[str]], folds: int, seed: int) -> dict[str, int]:
    """Patient -> fold, 1 to `folds`.

    Patients are sorted by their rarest class, the rarest of all first, and then by a hash of seed and name. They are
    dealt in that order: to training, test, validation, and on. So folds differ by one patient at most, and a class of
    three patients is in all three splits. The order of the table does not matter. Other patients change the folds:
    keep those of an earlier preparation by a column of folds.

    Args:
        kinds: patient -> the rarest class of each of their records, "" for none.
        folds: how many, the last one for tests, the one before for validation; at least 3.
        seed: of the hash.
    """
    sizes = Counter(kind for found in kinds.values() for kind in set(found))

    def rank(patient: str) -> tuple:
        kind = min(kinds[patient], key=lambda one: (one == "", sizes[one], one))
        return kind == "", sizes[kind], kind, hashed(seed, patient), patient

    order = [1, folds, folds - 1, *range(2, folds - 1)]
    return {patient: order[place % folds] for place, patient in enumerate(sorted(kinds, key=rank))}


def splits_of_folds(folds: Sequence[int], named: bool = False) -> dict[str, list[int]]:
    """Split -> its folds: the last one is for tests, the one before for validation, as in all corpora here.

    Of two folds the second is for tests, and there is no validation. Where a table has `named` the splits, each is
    what it says, and rows for tests are never trained on.
    """
    present = sorted(set(folds))
    if named:
        return {split: [fold for fold in present if fold == SPLIT_FOLDS[split]] for split in _SPLITS}
    if len(present) < _FEWEST:
        return {"train": present[:1], "validation": [], "test": present[1:]}
    return {"train": present[:-2], "validation": present[-2:-1], "test": present[-1:]}


def _rarest_classes(rows: Sequence[Mapping], label_sets: Mapping[str, Sequence[str]]) -> list[str]:
    having = [[(name, one) for name in label_sets for one in row.get(name) or ()] for row in rows]
    counts = Counter(key for keys in having for key in keys)
    return ["/".join(min(keys, key=lambda key: (counts[key], key))) if keys else "" for keys in having]
