"""The same rows, harder to read: with some of their leads, or with noise of a known size."""

from collections.abc import Sequence

import datasets
import numpy as np
import torch
from datasets import LargeList, Value

from ..signals.leads import STANDARD_LEADS
from ..signals.machine_measurements import MEASUREMENT_RANGES
from ..signals.units import counts_to_millivolts
from .measured_rows import MEASUREMENTS
from .noise_views import electrode_noise
from .view_base import Waveforms, record_generator

_MISSING = -32768


def with_leads(dataset: datasets.Dataset, leads: Sequence[str]) -> datasets.Dataset:
    """The rows with these leads alone, in this order; what was measured on all of them is left out.

    Raises:
        ValueError: no leads, or a row that does not have one of them.
    """
    leads = list(leads)
    if not leads or len(set(leads)) < len(leads) or set(leads) - set(STANDARD_LEADS):
        raise ValueError(f"leads are {leads}, wanted distinct ones among {', '.join(STANDARD_LEADS)}")

    def pick(row: dict) -> dict:
        absent = [lead for lead in leads if lead not in row["leads"]]
        if absent:
            raise ValueError(f"record {row['record_id']} has no lead {', '.join(absent)}, only {row['leads']}")
        places = [row["leads"].index(lead) for lead in leads]
        signal = np.asarray(row["signal"], dtype=np.int16).reshape(len(row["leads"]), -1)[places]
        kept = {key: [row[key][place] for place in places] for key in ("leads", "gain", "baseline")}
        return kept | {"signal": signal.ravel()}

    return _changed(dataset, pick)


def with_noise(dataset: datasets.Dataset, rms: float, seed: int = 0) -> datasets.Dataset:
    """The rows with simulated noise of electrodes in every lead (baseline wander, motion and muscle in equal parts).

    Args:
        dataset: rows of a corpus.
        rms: root mean square of the noise, in millivolts.
        seed: of the noise, which is another one for each record.

    Raises:
        ValueError: a size that is not positive.
    """
    if not rms > 0:
        raise ValueError(f"rms is {rms}, wanted millivolts above 0")

    def disturb(row: dict, number: int) -> dict:
        counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
        signal = counts_to_millivolts(counts, row["gain"], row["baseline"])
        waveforms = Waveforms.of(torch.from_numpy(np.nan_to_num(signal)).float()[None])
        generator = record_generator(seed, 0, number, "noise")
        noisy = electrode_noise(
            waveforms, generator, kinds=("mixture",), rms=rms, sampling_rate=float(row["sampling_rate"])
        )
        gain, baseline = (np.asarray(row[key])[:, None] for key in ("gain", "baseline"))
        made = np.clip(np.round(noisy.input_values[0].numpy() * gain + baseline), _MISSING + 1, -_MISSING - 1)
        return {"signal": np.where(counts == _MISSING, _MISSING, made).astype(np.int16).ravel()}

    return _changed(dataset, disturb, with_indices=True)


def _changed(dataset: datasets.Dataset, change, **options) -> datasets.Dataset:
    """`map` in memory, with signals of any length and without what was measured on the signals of before."""
    measured = [name for name in (MEASUREMENTS, *MEASUREMENT_RANGES) if name in dataset.column_names]
    dataset = dataset.remove_columns(measured).with_format(None)
    features = dataset.features.copy() | {"signal": LargeList(Value("int16"))}
    return dataset.map(
        change, features=datasets.Features(features), keep_in_memory=True, load_from_cache_file=False, **options
    )
