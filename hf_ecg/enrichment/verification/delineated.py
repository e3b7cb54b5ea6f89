"""The measured verifier over a corpus: ECGs delineated in parallel, results kept from run to run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from tqdm.auto import tqdm
from transformers.utils import logging

from ...data.rows import SIGNAL_COLUMNS, RowDataset
from ...data.workers import ordered_map
from ...files import ArrayStore, source_digest
from ...signals.machine_measurements import MEASUREMENT_RANGES
from ...signals.units import counts_to_millivolts
from .pairs import FeaturePairs
from .verdict import Verdict, undecided

logger = logging.get_logger(__name__)

CHUNK = 128
UNDECIDED, REJECTED, KEPT = 0, 1, 2
_STATES = {"undecided": UNDECIDED, "rejected": REJECTED, "kept": KEPT}


def measured_by() -> str:
    """Digest of the code that measures and of the rules that judge: kept results of other rules are not these."""
    here = Path(__file__).parent
    rules = (here / f"{name}.py" for name in ("delineated", "measured", "rules", "wording"))
    return source_digest(here.parents[1] / "signals" / "delineation", *rules)


def measured_answers(
    dataset: datasets.Dataset,
    pairs: FeaturePairs,
    num_proc: int = 1,
    cache: ArrayStore | None = None,
    progress: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """What the measurements of each ECG say of the features asked of it.

    Where the corpus holds what the electrocardiograph measured, as MIMIC-IV-ECG's does, that decides first, and what
    it leaves open is measured on the signal. A record is measured once, whatever is asked of it.

    Args:
        dataset: rows of a corpus.
        pairs: what is asked.
        num_proc: processes that measure.
        cache: of an earlier run with the same rows and pairs.
        progress: show a progress bar.

    Returns:
        int8 (pairs,): `UNDECIDED`, `REJECTED` or `KEPT`; and float32 (pairs,): scores, NaN where there is none.
    """
    cache = cache or ArrayStore(None)
    state, score = np.zeros(len(pairs), dtype=np.int8), np.full(len(pairs), np.nan, dtype=np.float32)
    bounds = pairs.bounds
    chunks = [(start, min(start + CHUNK, pairs.num_rows)) for start in range(0, pairs.num_rows, CHUNK)]
    chunks = [(start, stop) for start, stop in chunks if bounds[stop] > bounds[start]]
    kept = {chunk: cache.get(_name(chunk)) for chunk in chunks}
    known = {chunk: arrays for chunk, arrays in kept.items() if arrays is not None}
    absent = [chunk for chunk in chunks if chunk not in known]
    unreadable = 0
    rows = RowDataset(dataset, (*SIGNAL_COLUMNS, *machine_columns(dataset)))
    work = ((*chunk, pairs.texts(*chunk)) for chunk in absent)
    measured = ordered_map(_Measurer(rows), work, num_proc if len(absent) > 1 else 1)
    total = sum(stop - start for start, stop in chunks)
    with tqdm(total=total, desc="measuring", unit="record", disable=not progress) as bar:
        for chunk in chunks:
            arrays = known[chunk] if chunk in known else next(measured)
            if chunk not in known:
                cache.put(_name(chunk), arrays)
            part = slice(bounds[chunk[0]], bounds[chunk[1]])
            state[part], score[part] = arrays["state"], arrays["score"]
            unreadable += int(arrays["unreadable"])
            bar.update(chunk[1] - chunk[0])
    if unreadable:
        logger.warning("%d of %d records could not be measured: their features are undecided", unreadable, total)
    return state, score


def machine_columns(dataset: datasets.Dataset) -> list[str]:
    """Columns of a corpus with what the electrocardiograph measured, see `Measurements.from_machine`."""
    return [name for name in MEASUREMENT_RANGES if name in dataset.column_names]


def _name(chunk: tuple[int, int]) -> str:
    return f"measured-{chunk[0]:09d}"


@dataclass
class _Measurer:
    rows: RowDataset

    def __call__(self, work: tuple[int, int, list[list[str]]]) -> dict[str, np.ndarray]:
        start, stop, asked = work
        wanted = [place for place, features in enumerate(asked) if features]
        rows = dict(zip(wanted, self.rows.__getitems__([start + place for place in wanted]), strict=True))
        states, scores, unreadable = [], [], 0
        for place, features in enumerate(asked):
            if not features:
                continue
            verdicts, readable = _row_verdicts(rows[place], features)
            unreadable += not readable
            states += [_STATES[verdict.verdict] for verdict in verdicts]
            scores += [np.nan if verdict.score is None else verdict.score for verdict in verdicts]
        return {
            "state": np.array(states, dtype=np.int8),
            "score": np.array(scores, dtype=np.float32),
            "unreadable": np.int64(unreadable),
        }


def _row_verdicts(row: dict, features: Sequence[str]) -> tuple[list[Verdict], bool]:
    """What the machine's numbers and the signal say; False when the signal was asked and cannot be measured."""
    # not before: a verification by the dual encoder alone needs no delineation
    from ...signals.delineation import measure_ecg
    from .measured import measured_verdicts

    machine = {name: row[name] for name in MEASUREMENT_RANGES if name in row}
    verdicts = [undecided(feature, "nothing was measured") for feature in features]
    if machine:
        from ...signals.delineation import Measurements

        verdicts = measured_verdicts(Measurements.from_machine(machine), features)
    left = [place for place, verdict in enumerate(verdicts) if _STATES[verdict.verdict] == UNDECIDED]
    if not left:
        return verdicts, True
    try:
        counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
        signal = counts_to_millivolts(counts, row["gain"], row["baseline"])
        measurements = measure_ecg(signal, row["sampling_rate"], row["leads"])
    except ValueError as error:
        logger.warning("record %s cannot be measured: %s", row["record_id"], error)
        return verdicts, False
    found = measured_verdicts(measurements, [features[place] for place in left])
    for place, verdict in zip(left, found, strict=True):
        verdicts[place] = verdict
    return verdicts, True
