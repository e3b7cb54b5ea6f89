"""Made WFDB records, and what is compared with the table of their embeddings."""

import numpy as np
import pyarrow.parquet as pq
import torch
import wfdb
from transformers import AutoFeatureExtractor, AutoModel

from tests.evaluation.tiny import LEADS


def write_record(folder, name, seconds=1.0, rate=100, leads=LEADS, seed=0, broken=False, missing=()):
    """A WFDB record of sines and noise; a broken one lacks the end of its samples, and `missing` are stretches of
    seconds."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate))[:, None] / rate
    signals = np.sin(2 * np.pi * (time + random.uniform(0, 1, len(leads)))) + random.normal(
        0, 0.05, (len(time), len(leads))
    )
    for start, stop in missing:
        signals[round(start * rate) : round(stop * rate)] = np.nan
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * len(leads),
        sig_name=list(leads),
        p_signal=signals,
        fmt=["16"] * len(leads),
        write_dir=str(folder),
    )
    if broken:
        samples = folder / f"{name}.dat"
        samples.write_bytes(samples.read_bytes()[:-40])
    return folder / f"{name}.hea"


def table(path):
    return pq.read_table(path).to_pandas()


def embeddings(path) -> np.ndarray:
    return np.stack(table(path)["embedding"])


def direct(folder: str, item, **options) -> np.ndarray:
    """The model called by hand on one record."""
    model, extractor = (auto.from_pretrained(folder) for auto in (AutoModel, AutoFeatureExtractor))
    with torch.no_grad():
        return model.eval()(**extractor(item, return_tensors="pt", **options)).pooler_output.numpy()
