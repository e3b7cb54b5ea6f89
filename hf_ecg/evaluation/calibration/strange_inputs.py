"""Inputs that a model should find strange: other corpora, flat lines, noise alone, and something like an EEG."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from ...data.added_noise import NOISES
from ...data.noise_views import noise_of_kind
from ...data.refused_rows import find_refused
from ...data.rows import SIGNAL_COLUMNS, RowDataset
from ..judging.features import average_crops, frozen, signal_held
from ..metrics.bootstrap import bootstrap_evaluation
from ..options import IntervalOptions
from .asked_model import AskedModel, extractor_inside

FLAT, WAVES = "flat lines", "EEG-like waves"
MADE = (FLAT, *(f"noise alone, {kind}" for kind in NOISES), WAVES)
COUNTS_PER_MV = 1000.0
# as high as an ECG, so that height alone tells nothing
NOISE_MV = 0.5
# of an EEG at the scalp: tens of microvolts
EEG_MV = 0.05


def made_rows(kind: str, like: Sequence[Mapping], seed: int, recordings: str | None = None) -> list[dict]:
    """Rows without a heart, of the rates, leads and lengths of ordinary ones.

    Args:
        kind: one of `MADE`. Flat lines hold the noise of an amplifier (5 microvolts) and a slow drift; EEG-like waves
            are 1/f noise with alpha waves of 8 to 12 Hz that come and go, alike in neighbouring leads.
        like: rows of a corpus.
        seed: of what is drawn.
        recordings: folder of the Noise Stress Test Database; None simulates the noise.

    Raises:
        ValueError: an unknown kind.
        OSError: a recording is not there.
    """
    if kind not in MADE:
        raise ValueError(f"kind is {kind!r}, wanted one of {MADE}")
    made = []
    for number, row in enumerate(like):
        shape = len(row["leads"]), int(row["num_samples"])
        random = np.random.default_rng([seed, MADE.index(kind), number])
        values = _made(kind, shape, float(row["sampling_rate"]), random, recordings)
        counts = np.clip(np.round(values * COUNTS_PER_MV), -32000, 32000).astype(np.int16)
        told = {"signal": counts.ravel(), "gain": [COUNTS_PER_MV] * shape[0], "baseline": [0.0] * shape[0]}
        made.append({**row, **told, "record_id": f"made {number}"})
    return made


def _made(kind: str, shape, rate: float, random: np.random.Generator, recordings: str | None) -> np.ndarray:
    leads, samples = shape
    seconds = np.arange(samples) / rate
    if kind == FLAT:
        phase = random.uniform(0, 2 * np.pi, (leads, 1))
        return random.normal(0, 0.005, shape) + 0.05 * np.sin(2 * np.pi * 0.1 * seconds + phase)
    if kind == WAVES:
        hertz = np.fft.rfftfreq(samples, 1 / rate)
        weights = random.normal(size=(leads, 4)) + 1
        common = np.fft.irfft(np.fft.rfft(random.normal(size=(4, samples))) / np.sqrt(np.maximum(hertz, 0.5)), samples)
        alpha = np.sin(2 * np.pi * random.uniform(8, 12) * seconds) * np.maximum(
            np.sin(2 * np.pi * random.uniform(0.1, 0.4) * seconds), 0
        )
        waves = weights @ common / common.std() + 2 * random.uniform(0.3, 1, (leads, 1)) * alpha
        return EEG_MV * waves
    own = torch.Generator().manual_seed(int(random.integers(2**62)))
    name = NOISES[kind.rpartition(" ")[2]]
    return NOISE_MV * noise_of_kind(name, (1, *shape), own, recordings, rate)[0].numpy().astype(np.float64)


def rows_of(dataset, most: int, seed: int) -> list[dict]:
    """Rows of a corpus as the extractor takes them; drawn when there are more than `most`."""
    places = np.arange(len(dataset))
    if len(places) > most:
        places = np.sort(np.random.default_rng(seed).choice(places, most, replace=False))
    columns = [*SIGNAL_COLUMNS, "patient_id"]
    return RowDataset(dataset, columns).__getitems__([(0, int(place)) for place in places])


def numbers_of_any(asked: AskedModel, rows: Sequence[Mapping], batch_size: int) -> tuple[np.ndarray, np.ndarray, list]:
    """Answers and embeddings of rows that an extractor may refuse, however many.

    Returns:
        Both of the rows that it takes, and the places of these.
    """

    def prepare(some: Sequence[Mapping]) -> dict:
        return dict(extractor_inside(asked)(list(some), lead=asked.lead, return_tensors="pt", window="recipe"))

    device = next(asked.model.parameters()).device
    parts, kept = [], []
    for start in range(0, len(rows), batch_size):
        some = list(rows[start : start + batch_size])
        try:
            batch = prepare(some)
        except ValueError:
            refused = find_refused(prepare, some)
            places = [place for place in range(len(some)) if place not in refused]
            if not places:
                continue
            batch = prepare([some[place] for place in places])
        else:
            places = list(range(len(some)))
        kept += [start + place for place in places]
        index = batch.pop("record_index", torch.arange(len(places)))
        with frozen(asked.model):
            found = asked.outputs({key: value.to(device) for key, value in batch.items()}).cpu()
        parts.append(average_crops(found, torch.as_tensor(index), len(places), held=signal_held(batch)))
    if not parts:
        return np.zeros((0, 0)), np.zeros((0, 0)), []
    return *asked.split(torch.cat(parts).numpy()), kept


def strangeness_figures(
    ordinary: Mapping[str, np.ndarray],
    strange: Mapping[str, np.ndarray],
    patients: Iterable,
    others: Iterable,
    threshold: float,
    chosen: str,
    intervals: IntervalOptions,
) -> dict:
    """AUROC of each score, ordinary rows against strange ones, and the share of these above the threshold.

    Args:
        ordinary, strange: method -> scores (rows,).
        patients, others: of the rows.
        threshold: of the chosen method.
    """
    found: dict = {}
    everybody = [*(f"ordinary {one}" for one in patients), *(f"strange {one}" for one in others)]
    for method, scores in ordinary.items():
        both = np.concatenate([scores, strange[method]])
        labels = np.repeat([0, 1], [len(scores), len(strange[method])])
        judged = bootstrap_evaluation(
            labels[:, None], both[:, None], everybody, [method], intervals.replicates, intervals.seed, minimum=1
        )
        found[method] = vars(judged.classes[method].auroc).copy()
    return found | {"above_threshold": float((strange[chosen] > threshold).mean())}
