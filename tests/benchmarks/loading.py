"""From a prepared corpus to a batch: reading rows, and the feature extractor."""

from pathlib import Path

import numpy as np
from scipy import signal as scipy_signal
from timing import compare, ratio

from hf_ecg import ECGFeatureExtractor
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.rows import RowDataset

BATCH = 32
BANDPASS = {"name": "bandpass", "low_hz": 0.5, "high_hz": 40.0, "order": 4, "form": "sos", "zero_phase": True}
STEPS = (
    {"name": "fill_missing", "method": "linear"},
    {"name": "filter", "filter": BANDPASS},
    {"name": "resample", "method": "polyphase"},
)


def measure(corpus: Path, rate: int, repeats: int) -> dict:
    """Records a second of ours and of the plain ways, over the same batches, drawn with seed 0."""
    data = load_corpus(corpus)
    batches = np.random.default_rng(0).permutation(len(data))[: 8 * BATCH].reshape(-1, BATCH).tolist()
    rows, plain, arrays = RowDataset(data), data.select_columns(["signal"]), data.select_columns(["signal"])
    arrays = arrays.with_format("numpy")

    def count(read) -> int:
        return sum(len(read(batch)) for batch in batches)

    reading = {
        "hf_ecg RowDataset": lambda: count(rows.__getitems__),
        "datasets, lists": lambda: count(lambda batch: plain[batch]["signal"]),
        "datasets, with_format('numpy')": lambda: count(lambda batch: arrays[batch]["signal"]),
    }
    found = {"reading": compare(reading, repeats, f"reading, {rate} Hz")}
    target = 100 if rate == 500 else 50
    filtering = ECGFeatureExtractor(sampling_rate=target, num_samples=10 * target, steps=STEPS)
    resting = ECGFeatureExtractor(sampling_rate=rate, num_samples=10 * rate)
    taken = [rows.__getitems__(batch) for batch in batches]
    preprocessing = {
        f"hf_ecg: filter, to {target} Hz": lambda: sum(len(filtering(part)["input_values"]) for part in taken),
        "plain scipy loop of the same": lambda: sum(len(_plain(part, rate, target)) for part in taken),
        "hf_ecg: millivolts, checks and masks only": lambda: sum(len(resting(part)["input_values"]) for part in taken),
    }
    found["preprocessing"] = compare(preprocessing, repeats, f"preprocessing, {rate} Hz")
    ours = filtering(taken[0])["input_values"]
    found["largest_difference_mv"] = float(np.abs(ours - _plain(taken[0], rate, target)).max())
    found["ratios"] = {
        **{
            f"reading: hf_ecg / {name}": ratio(found["reading"], "hf_ecg RowDataset", name)
            for name in list(reading)[1:]
        },
        "preprocessing: hf_ecg / plain scipy loop": ratio(found["preprocessing"], *list(preprocessing)[:2]),
    }
    return found


def _plain(rows: list[dict], rate: int, target: int) -> np.ndarray:
    """What one writes in a `__getitem__`: record by record, with the filter designed once."""
    sections = scipy_signal.butter(4, (0.5, 40.0), btype="bandpass", fs=rate, output="sos")
    made = []
    for row in rows:
        counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
        millivolts = (counts - row["baseline"][:, None]) / row["gain"][:, None]
        filtered = scipy_signal.sosfiltfilt(sections, millivolts.astype(np.float64), axis=-1)
        made.append(scipy_signal.resample_poly(filtered, target, rate, axis=-1).astype(np.float32))
    return np.stack(made)
