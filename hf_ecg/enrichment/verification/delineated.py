"""The measured verifier over a corpus: ECGs delineated in parallel, results kept from run to run."""

from dataclasses import dataclass
from pathlib import Path

import datasets
import numpy as np
from tqdm.auto import tqdm
from transformers.utils import logging

from ...data.rows import SIGNAL_COLUMNS, RowDataset
from ...data.workers import ordered_map
from ...signals.units import counts_to_millivolts
from .cache import ArrayCache, source_digest
from .pairs import FeaturePairs

logger = logging.get_logger(__name__)

CHUNK = 128
UNDECIDED, REJECTED, KEPT = 0, 1, 2
_STATES = {"undecided": UNDECIDED, "rejected": REJECTED, "kept": KEPT}


def measured_by() -> str:
    """Digest of the code that measures and of the rules that judge: kept results of other rules are not these."""
    here = Path(__file__).parent
    rules = (here / f"{name}.py" for name in ("measured", "rules", "wording"))
    return source_digest(here.parents[1] / "signals" / "delineation", *rules)


def measured_answers(
    dataset: datasets.Dataset,
    pairs: FeaturePairs,
    num_proc: int = 1,
    cache: ArrayCache | None = None,
    progress: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """What the measurements of each ECG say of the features asked of it.

    A record is measured once, whatever is asked; one of which nothing is asked is not measured.

    Args:
        dataset: rows of a corpus.
        pairs: what is asked.
        num_proc: processes that measure.
        cache: of an earlier run with the same rows and pairs.
        progress: show a progress bar.

    Returns:
        int8 (pairs,): `UNDECIDED`, `REJECTED` or `KEPT`; and float32 (pairs,): scores, NaN where there is none.
    """
    cache = cache or ArrayCache(None, None)
    state, score = np.zeros(len(pairs), dtype=np.int8), np.full(len(pairs), np.nan, dtype=np.float32)
    bounds = pairs.bounds
    chunks = [(start, min(start + CHUNK, pairs.num_rows)) for start in range(0, pairs.num_rows, CHUNK)]
    chunks = [(start, stop) for start, stop in chunks if bounds[stop] > bounds[start]]
    known = {chunk for chunk in chunks if cache.has(_name(chunk))}
    absent = [chunk for chunk in chunks if chunk not in known]
    unreadable = 0
    rows = RowDataset(dataset, SIGNAL_COLUMNS)
    work = ((*chunk, pairs.texts(*chunk)) for chunk in absent)
    measured = ordered_map(_Measurer(rows), work, num_proc if len(absent) > 1 else 1)
    total = sum(stop - start for start, stop in chunks)
    with tqdm(total=total, desc="measuring", unit="record", disable=not progress) as bar:
        for chunk in chunks:
            arrays = cache.read(_name(chunk)) if chunk in known else next(measured)
            if chunk not in known:
                cache.write(_name(chunk), arrays)
            part = slice(bounds[chunk[0]], bounds[chunk[1]])
            state[part], score[part] = arrays["state"], arrays["score"]
            unreadable += int(arrays["unreadable"])
            bar.update(chunk[1] - chunk[0])
    if unreadable:
        logger.warning("%d of %d records could not be measured: their features are undecided", unreadable, total)
    return state, score


def _name(chunk: tuple[int, int]) -> str:
    return f"measured-{chunk[0]:09d}"


@dataclass
class _Measurer:
    rows: RowDataset

    def __call__(self, work: tuple[int, int, list[list[str]]]) -> dict[str, np.ndarray]:
        # not before: a verification by the dual encoder alone needs no delineation
        from ...signals.delineation import measure_ecg
        from .measured import measured_verdicts

        start, stop, asked = work
        wanted = [place for place, features in enumerate(asked) if features]
        rows = dict(zip(wanted, self.rows.__getitems__([start + place for place in wanted]), strict=True))
        states, scores, unreadable = [], [], 0
        for place, features in enumerate(asked):
            if not features:
                continue
            row = rows[place]
            try:
                counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
                signal = counts_to_millivolts(counts, row["gain"], row["baseline"])
                verdicts = measured_verdicts(measure_ecg(signal, row["sampling_rate"], row["leads"]), features)
            except ValueError as error:
                logger.warning("record %s cannot be measured: %s", row["record_id"], error)
                unreadable += 1
                states += [UNDECIDED] * len(features)
                scores += [np.nan] * len(features)
                continue
            states += [_STATES[verdict.verdict] for verdict in verdicts]
            scores += [np.nan if verdict.score is None else verdict.score for verdict in verdicts]
        return {
            "state": np.array(states, dtype=np.int8),
            "score": np.array(scores, dtype=np.float32),
            "unreadable": np.int64(unreadable),
        }
