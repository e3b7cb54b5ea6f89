"""Memory and time of `hf-ecg evaluate af-burden` on a made day: 24 hours of two leads at 200 Hz.

    python tests/benchmarks/af_burden_day.py --record MITDB/202 [--model AF_MODEL] [--prepare]

The record is repeated to 17,280,000 samples, so that the day has as many episodes. The baseline is a process that
imports the same modules (and loads the same model) and judges nothing. Figures are the highest resident memory.
With --prepare the day is also prepared by `hf-ecg prepare shdb_af`, in the layout of that corpus.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import wfdb

from hf_ecg.signals import read, resample

RATE, SECONDS = 200, 86_400
_COLUMNS = "Data_ID Subject_ID Annotated Age_at_Holter Sex AF_Type CHF HTN DM Stroke Vascular_Diseases".split()
# the system's own figure: getrusage counts what the parent process had before
_MEASURED = """
import resource, sys
{}
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.stderr.write("PEAK " + peak + " " + str(resource.getrusage(resource.RUSAGE_SELF).ru_utime))
"""
_IMPORTS = """
from hf_ecg.cli.commands.evaluate import af_burden
import hf_ecg.evaluation.af_burden.burden_page, hf_ecg.evaluation.af_burden.burden_run
import hf_ecg.evaluation.reports.evaluation_report, hf_ecg.evaluation.af_burden.model_detector
import hf_ecg.evaluation.af_burden.rr_detector, scipy.signal, scipy.fft, scipy.ndimage
{}
"""
_LOAD = "hf_ecg.evaluation.af_burden.model_detector.ModelDetector({!r})"


def make_day(source: str, folder: Path) -> Path:
    """The two leads of a record, again and again, at 200 Hz in 16 bits."""
    record = read(source)
    values = resample(record.to_millivolts(), record.sampling_rate, RATE, "polyphase").T
    counts = np.rint(values * 1000).astype(np.int64)
    counts = np.tile(counts, (-(-RATE * SECONDS // len(counts)), 1))[: RATE * SECONDS]
    form = {"fmt": ["16", "16"], "adc_gain": [1000.0, 1000.0], "baseline": [0, 0]}
    wfdb.wrsamp("day", RATE, ["mV", "mV"], ["ECG1", "ECG2"], d_signal=counts, write_dir=str(folder), **form)
    return folder / "day.hea"


def prepare_code(folder: Path) -> str:
    """Code that prepares the day as a corpus of one record without annotations."""
    (folder / "RECORDS.txt").write_text("day\n")
    (folder / "AdditionalData.csv").write_text(",".join(_COLUMNS) + "\nday,1,False,70,M,PAF,,,,,\n")
    words = ["--data_dir", str(folder), "--output_dir", str(folder / "corpus"), "--num_proc", "1"]
    return f"from hf_ecg.cli import call\nsys.stdout = sys.stderr\ncall('prepare shdb_af', {words!r})"


def measured(code: str) -> dict:
    """Peak in MB and seconds of a process of its own."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _MEASURED.format(code)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    peak, seconds = done.stderr.rsplit("PEAK ", 1)[1].split()
    wall = time.perf_counter() - begun
    return {"peak_mb": round(int(peak) / 1024, 1), "cpu_s": round(float(seconds), 1), "wall_s": round(wall, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", required=True)
    parser.add_argument("--model", help="A single-lead model takes ECG1 for lead I.")
    parser.add_argument("--prepare", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        day = make_day(given.record, Path(folder))
        words = [str(day), "--output_dir", folder]
        if given.model:
            words += ["--model", given.model, "--leads", "I", "--rename", "ECG1=I"]
        call = f"from hf_ecg.cli import call\nsys.stdout = sys.stderr\ncall('evaluate af-burden', {words!r})"
        found = {
            "baseline": measured(_IMPORTS.format(_LOAD.format(given.model) if given.model else "")),
            "day": measured(call),
        }
        if given.prepare:
            found["prepare"] = measured(prepare_code(Path(folder)))
    found["over_baseline_mb"] = round(found["day"]["peak_mb"] - found["baseline"]["peak_mb"], 1)
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
