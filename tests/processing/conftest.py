"""Simulated and real records for the tests of the feature extractor and the processor."""

import csv

import numpy as np
import pytest

from hf_ecg.processing import lead_notes, record_windows
from hf_ecg.signals.leads import STANDARD_LEADS


@pytest.fixture
def ecg():
    """`ecg(num_leads, num_samples, rate, seed)`: smooth waves of about 2 mV, no two leads alike."""

    def make(num_leads=12, num_samples=1000, rate=100, seed=0):
        generator = np.random.default_rng(seed)
        time = np.arange(num_samples) / rate
        frequencies = generator.uniform(0.8, 12.0, (num_leads, 4, 1))
        phases = generator.uniform(0, 2 * np.pi, (num_leads, 4, 1))
        return np.sin(2 * np.pi * frequencies * time + phases).sum(1) / 3

    return make


@pytest.fixture
def make_row(ecg):
    """`make_row(**changes)`: a row of the Rows contract, in counts of 1000 a millivolt."""

    def make(num_samples=1000, leads=STANDARD_LEADS, rate=100, seed=0, **changes):
        counts = np.round(ecg(len(leads), num_samples, rate, seed) * 1000).astype(np.int16)
        return {
            "record_id": f"simulated/{seed}",
            "signal": counts.reshape(-1),
            "num_samples": num_samples,
            "sampling_rate": rate,
            "leads": list(leads),
            "gain": [1000.0] * len(leads),
            "baseline": [0] * len(leads),
            **changes,
        }

    return make


@pytest.fixture(scope="session")
def ptb_xl_records(ptb_xl_dir):
    """WFDB paths (no ending) of ten real 100 Hz records."""
    with open(ptb_xl_dir / "ptbxl_database.csv", encoding="utf-8") as file:
        names = [row["filename_lr"] for row, _ in zip(csv.DictReader(file), range(10), strict=False)]
    return [ptb_xl_dir / name for name in names]


@pytest.fixture(autouse=True)
def nothing_said_yet(monkeypatch):
    """What is said once in a process is said anew in each test."""
    monkeypatch.setattr(record_windows, "_told", set())
    monkeypatch.setattr(lead_notes, "_told", set())
