"""Records and tables of somebody's own, and what becomes of them."""

import csv

import numpy as np

from hf_ecg.data.builder import prepare_corpus
from hf_ecg.data.corpus import load_corpus
from hf_ecg.data.readers.folder import NOT_READ, OwnData, own_corpus, write_not_read

LEADS = ["I", "II", "V1"]


def archive(path, seconds=2.0, rate=100, leads=LEADS, seed=0):
    """A record as NumPy's archive: quicker than a WFDB one."""
    random = np.random.default_rng(seed)
    signals = random.normal(0, 1, (len(leads), round(seconds * rate)))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, signals=signals, leads=leads, sampling_rate=rate, units="mV")
    return signals


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def prepare(tmp_path, data: OwnData):
    own = own_corpus(data)
    summary = prepare_corpus(own.corpus, tmp_path / "out", progress=False, overwrite=True, finish=write_not_read)
    rows = load_corpus(tmp_path / "out", keep_unusable=True)
    with open(tmp_path / "out" / NOT_READ, newline="", encoding="utf-8") as file:
        not_read = {line["record"]: line for line in csv.DictReader(file)}
    return own, summary, {row["record_id"]: row for row in rows}, not_read
