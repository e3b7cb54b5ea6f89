"""Damaged WFDB headers and signal files, judged by wfdb's own reading of the same files."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import wfdb

from hf_ecg.signals import read
from hf_ecg.signals.leads import known_lead

from .judging import judge
from .mutations import mutate_bytes, mutate_lines, pick

MILLIVOLTS = {"mv": 1.0, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "v": 1e3}
PER_CORPUS = 6
_UNCALIBRATED = re.compile(rb"^\S+ \d+\S* 0*\.?0*[(/ ]", re.M)


def copy_records(data: Path, folder: Path) -> list[Path]:
    """Headers of a few records of each corpus, copied with their signals; MIT-BIH shortened to ten seconds."""
    headers = []
    for pattern in ("ptb-xl/records100/*/*.hea", "ptb-xl/records500/*/*.hea", "cinc2021/[EHJ]*.hea", "cpsc2018/*.hea"):
        found = sorted(data.glob(pattern))
        headers += found[:: max(len(found) // PER_CORPUS, 1)][:PER_CORPUS]
    copies = []
    for header in headers:
        signals = next(path for path in (header.with_suffix(end) for end in (".dat", ".mat")) if path.is_file())
        for path in (header, signals):
            shutil.copyfile(path, folder / path.name)
        copies.append(folder / header.name)
    for record in sorted((data / "mitdb").glob("*.hea")):
        part = wfdb.rdrecord(str(record.with_suffix("")), sampto=3600, physical=False)
        options = {"fmt": part.fmt, "adc_gain": part.adc_gain, "baseline": part.baseline, "comments": part.comments}
        wfdb.wrsamp(
            record.stem, part.fs, part.units, part.sig_name, d_signal=part.d_signal, write_dir=str(folder), **options
        )
        copies.append(folder / record.name)
    return copies


class _Waveforms:
    def __init__(self, data: Path, folder: Path):
        self.folder = folder
        self.headers = copy_records(data, folder)
        self.content = {path.name: path.read_bytes() for path in folder.iterdir()}

    def run(self, rng: np.random.Generator) -> tuple[str, str, str]:
        header = pick(rng, self.headers)
        path, description, damaged = self.damage(header, rng)
        path.write_bytes(damaged)
        try:
            root = self.folder if rng.random() < 0.5 else None
            outcome = judge(lambda: read(header, root=root), lambda r: compare(r, header), [header.stem])
        finally:
            path.write_bytes(self.content[path.name])
        return (f"{path.name}: {description}", *outcome)


class Header(_Waveforms):
    """A `.hea` file."""

    def damage(self, header, rng):
        return header, *mutate_lines(self.content[header.name].decode(), rng)


class Samples(_Waveforms):
    """A `.dat` or `.mat` file."""

    def damage(self, header, rng):
        path = next(
            path for path in (header.with_suffix(end) for end in (".dat", ".mat")) if path.name in self.content
        )
        return path, *mutate_bytes(self.content[path.name], rng)


def _rate(header: Path, found: float) -> float:
    """Of the record line as C reads it; wfdb takes 1 from "1e3"."""
    parts = header.read_bytes().decode("utf-8", "replace").lstrip("\ufeff").split()
    rate = parts[2].partition("/")[0].partition("(")[0] if len(parts) > 2 else ""
    return float(rate) if re.fullmatch(r"\d+(\.\d*)?[eE][+-]?\d+", rate) else found


def compare(record, header: Path) -> str | None:
    """What differs between our record and wfdb's reading of the same files."""
    other = wfdb.rdrecord(os.path.splitext(header)[0], smooth_frames=False)
    signals = zip(other.sig_name, other.units, other.samps_per_frame, other.e_p_signal, strict=True)
    # a damaged name or unit leaves a channel out
    taken = [
        (known_lead(name), values * MILLIVOLTS[unit.lower()], per_frame)
        for name, unit, per_frame, values in signals
        if name and unit and known_lead(name) and unit.lower() in MILLIVOLTS
    ]
    if not header.read_bytes().isascii() or _UNCALIBRATED.search(header.read_bytes()):
        # wfdb drops foreign characters from names and units, and takes a gain of 0 for 200; we leave such channels out
        taken = [one for one in taken if one[0] in record.leads]
    leads = tuple(lead for lead, _, _ in taken)
    if leads != record.leads:
        return f"leads {record.leads}, wfdb reads {leads}"
    found = record.to_millivolts()
    for row, (lead, wanted, per_frame) in zip(found, taken, strict=True):
        if record.sampling_rate != _rate(header, other.fs) * per_frame:
            return f"{record.sampling_rate} Hz, wfdb reads {per_frame} samples a frame at {other.fs}"
        if wanted.shape != row.shape:
            return f"shape {found.shape}, wfdb reads {wanted.shape}"
        if not np.allclose(row, wanted, rtol=1e-9, atol=1e-9, equal_nan=True):
            return f"lead {lead} begins {row[:3]} mV, wfdb reads {wanted[:3]}"
    return None
