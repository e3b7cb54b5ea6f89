"""Whether records that a model is judged on, or their patients, were in its training."""

from collections.abc import Sequence
from pathlib import Path

from transformers.utils import logging

from ...data.corpus import corpus_name, load_corpus
from ...data.near_duplicates import THRESHOLD, find_near_duplicates, fingerprints_of
from ...data.rows import RowDataset
from ...processing.inputs import read_row
from ...signals.fingerprint import FINGERPRINT_LEADS, Fingerprint
from ...signals.units import counts_to_millivolts
from ..protocol import SourceFacts, TrainingFacts

logger = logging.get_logger(__name__)

_LISTED = 20


def find_leakage(facts: TrainingFacts | None, data: str, config: str, test, duplicates: bool = True) -> dict:
    """What training and test rows share, for each corpus of the training.

    Args:
        facts: of the weights; None: not known.
        data, config: the corpus of the test rows.
        test: the test rows.
        duplicates: also compare the waveforms of all training records with those of the test.

    Returns:
        `known`, whether there are facts; and `sources`, each with `records`, `same_records`, `same_patients` and
        `near_duplicates`, or the `reason` why it was not looked into.
    """
    if facts is None or not facts.sources:
        return {"known": False, "sources": []}
    prints = _fingerprints(test, "test") if duplicates else None
    found = []
    for source in facts.sources:
        same = corpus_name(source.config) == corpus_name(config)
        told = {"corpus": source.name, "train_folds": list(source.train_folds)}
        rows, reason = _training_rows(source, data, config, same)
        if rows is None:
            found.append(told | {"reason": reason})
            continue
        told |= {"records": len(rows), "same_records": None, "same_patients": None, "near_duplicates": None}
        if same:  # names of another corpus are other people's
            told["same_records"] = _shared(rows, test, "record_id")
            told["same_patients"] = _shared(rows, test, "patient_id")
        if prints is not None:
            told["near_duplicates"] = _duplicates(rows, test, prints)
        found.append(told)
    return {"known": True, "sources": found}


def _training_rows(source: SourceFacts, data: str, config: str, same: bool):
    """The rows of a source, or why they are not there."""
    place, named = (data, config) if same else (source.corpus, source.config)
    if not source.train_folds:
        return None, "its training folds are not known"
    if place is None or not (same or Path(place).is_dir()):
        return None, f"{source.name} is not here to be compared"
    try:
        return load_corpus(place, config=named, folds=source.train_folds), ""
    except (OSError, ValueError) as error:
        return None, str(error)


def _shared(rows, test, column: str) -> dict:
    ours, theirs = (set(part.select_columns([column]).with_format(None)[column][:]) for part in (rows, test))
    both = sorted(map(str, (ours & theirs) - {None}))
    return {"number": len(both), "of": len(theirs), "listed": both[:_LISTED]}


def _duplicates(rows, test, prints: Sequence[Fingerprint | None]) -> dict:
    names = [part.select_columns(["record_id"]).with_format(None)["record_id"][:] for part in (rows, test)]
    own = _fingerprints(rows, "train")
    pairs = find_near_duplicates(own, prints, least_leads=_least(test))
    listed = [
        {"train": str(names[0][pair.first]), "test": str(names[1][pair.second]), "correlation": pair.correlation}
        for pair in pairs
    ]
    return {
        "number": len({pair.second for pair in pairs}),
        "of": len(prints),
        "not_comparable": sum(one is None for one in (*own, *prints)),
        "threshold": THRESHOLD,
        "listed": listed[:_LISTED],
    }


def _least(rows) -> int:
    return min(3, len(set(rows[0]["leads"]) & set(FINGERPRINT_LEADS)) or 1)


def _fingerprints(rows, title: str) -> list[Fingerprint | None]:
    """One a record; None for those that cannot be compared."""
    whole = RowDataset(rows)
    refused: list[tuple[str, Exception]] = []

    def read(place: int):
        found = read_row(whole[place], "the row")
        return counts_to_millivolts(found.values, found.gain, found.baseline), found.sampling_rate, found.leads

    def refuse(place: int, error: Exception) -> None:
        refused.append((str(whole[place].get("record_id")), error))

    made = fingerprints_of(len(rows), read, refuse, title=f"{title}, waveforms")
    if refused:
        logger.warning(
            "%s: the waveforms of %d of %d records cannot be compared with others; the first, %s: %s",
            *(title, len(refused), len(rows), *refused[0]),
        )
    return made
