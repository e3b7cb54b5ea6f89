"""Folds of corpora whose publishers give none."""

import hashlib

FOLDS = 10
SPLITS = {"train": range(1, 9), "validation": (9,), "test": (10,)}


def fold_of(patient: int | str, seed: int, folds: int = FOLDS) -> int:
    """1 to `folds` from a hash of seed and patient alone: the same whatever other patients there are."""
    return 1 + hashed(seed, patient) % folds


def hashed(seed: int, name) -> int:
    """A whole number under 2^63, the same on every machine."""
    digest = hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1  # SQLite's integers have a sign


def fold_in_split(patient: int | str, split: str, seed: int) -> int:
    """A fold of a split that is given: 9 for validation, 10 for test, one of 1 to 8 for train, by the hash."""
    folds = SPLITS[split]
    return folds[fold_of(patient, seed, len(folds)) - 1]


def describe_folds(seed: int) -> str:
    """How the folds came about, for a card."""
    return f"Folds are drawn by a hash with seed {seed} of the record's name: 1-8, 9, 10; `fold` says which."
