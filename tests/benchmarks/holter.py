"""Memory and time of a day: 24 hours of two leads at 250 Hz through `hf-ecg embed` and `hf-ecg evaluate classify`.

    python tests/benchmarks/holter.py --record MITDB/100 [--model ecg-text-small] [--lead_name MLII=II] [--format edf]

The record is repeated to 21,600,000 samples; half a minute of it is missing. The baseline is a process that imports
the same modules, loads the same model, and answers a minute of the record. Memory is the highest that was resident.
Seconds of the processor count all threads; those of the wall mean little on a machine that is shared, whose load is
told.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import wfdb

from hf_ecg.signals import read, resample

RATE, SECONDS, MISSING_S = 250, 86_400, (3600, 3630)
# the system's own figure: getrusage counts what the parent process had before
_MEASURED = """
import resource, sys, torch
torch.set_num_threads({threads})
from hf_ecg.cli import call
from hf_ecg.cli.options import EndsWith
sys.stdout = sys.stderr
try:
    call({command!r}, {words!r})
except EndsWith as ending:  # windows without a signal are left out of the table
    sys.stderr.write(str(ending))
used = resource.getrusage(resource.RUSAGE_SELF)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stderr.write("PEAK " + peak + " " + str(used.ru_utime + used.ru_stime))
"""
PROMPTS = ("sinus rhythm", "atrial fibrillation")


def make_day(source: str, names: dict[str, str], folder: Path, form: str) -> dict[str, Path]:
    """The leads of a record, again and again, at 250 Hz in 16 bits; and a minute of it."""
    record = read(source, rename=names)
    values = resample(record.to_millivolts(), record.sampling_rate, RATE, "polyphase").T
    counts = np.rint(values * 1000).astype(np.int64)
    counts = np.tile(counts, (-(-RATE * SECONDS // len(counts)), 1))[: RATE * SECONDS]
    made = {}
    for name, seconds in (("minute", 60), ("day", SECONDS)):
        part = counts[: RATE * seconds].copy()
        if form == "edf":
            made[name] = _write_edf(part, record.leads, folder / f"{name}.edf")
            continue
        part[slice(*(RATE * second for second in MISSING_S))] = -(2**15)
        scale = {"fmt": ["16"] * 2, "adc_gain": [1000.0] * 2, "baseline": [0, 0]}
        wfdb.wrsamp(name, RATE, ["mV"] * 2, list(record.leads), d_signal=part, write_dir=str(folder), **scale)
        made[name] = folder / f"{name}.hea"
    return made


def _write_edf(counts: np.ndarray, leads, path: Path) -> Path:
    import edfio

    signals = [
        edfio.EdfSignal(counts[:, place] / 1000, RATE, label=lead, physical_dimension="mV", physical_range=(-32, 32))
        for place, lead in enumerate(leads)
    ]
    edfio.Edf(signals).write(path)
    return path


def measured(command: str, words: list[str], threads: int) -> dict:
    """Peak in MB and seconds of a process of its own."""
    code = _MEASURED.format(command=command, words=words, threads=threads)
    load, begun = os.getloadavg()[0], time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    peak, seconds = done.stderr.rsplit("PEAK ", 1)[1].split()
    wall = time.perf_counter() - begun
    figures = {"peak_mb": int(peak) / 1024, "cpu_s": float(seconds), "wall_s": wall, "load": load}
    return {name: round(value, 1) for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", required=True, help="of two leads")
    parser.add_argument("--model", default="ecg-text-small")
    parser.add_argument("--lead_name", default="MLII=II", help="OLD=NEW")
    parser.add_argument("--format", choices=["wfdb", "edf"], default="wfdb")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=["embed", "classify"], default=["embed", "classify"])
    given = parser.parse_args()
    found: dict = {"model": given.model, "threads": given.threads, "cores": os.cpu_count(), "format": given.format}
    with tempfile.TemporaryDirectory() as folder:
        files = make_day(given.record, dict([given.lead_name.split("=")]), Path(folder), given.format)
        for what in given.only:
            for name, file in files.items():
                words = [str(file), "--model", given.model]
                if what == "embed":
                    words += ["--output", f"{folder}/{name}.parquet", "--on_error", "skip"]
                else:
                    words += ["--prompts", *PROMPTS]
                command = what if what == "embed" else f"evaluate {what}"
                found[f"{what} {name}"] = measured(command, words, given.threads)
            day, minute = (found[f"{what} {name}"] for name in ("day", "minute"))
            found[f"{what} over a minute"] = {key: round(day[key] - minute[key], 1) for key in day if key != "load"}
    print(json.dumps(found, indent=1))  # noqa: T201


if __name__ == "__main__":
    main()
