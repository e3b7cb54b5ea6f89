"""SHDB-AF's layout, made of MIT-BIH: two leads at 200 Hz that fill 16 bits, every beat a comment, a table."""

import csv
from pathlib import Path

import numpy as np
import wfdb

from hf_ecg.signals import read, resample
from hf_ecg.signals.annotations import read_annotations

COLUMNS = (
    *("Data_ID", "Subject_ID", "Annotated", "Height", "Weight", "BMI", "Date_Holter", "Indication_Holter"),
    *("Age_at_Holter", "Sex", "AF_Type", "Previously_Documented_AFL", "Previous_AF_Ablation", "PPM_on_Holter"),
    *("PPM_after_Holter", "PPM_Indication", "PPM_Date", "Date_of_First_Diagnosis_of_AF_AFL", "AF_Duration_Months"),
    *("Antiarrhythmic_Drug_nonBB", "Antiarrhythmic_Drug_BB", "Anticoagulation", "Date_1st_AF_Ablation"),
    *("Ablation1_PVI", "Ablation1_CTI", "Ablation1_Others", "Date_Redo_AF_Ablation", "Redo_Detail", "Echo_Date"),
    *("Echo_LAD", "Echo_LVEF", "Echo_LV_Asynergy", "Moderate_or_Severe_MR", "Moderate_or_Severe_TR"),
    *("Moderate_or_Severe_AS", "Moderate_or_Severe_AR", "CHF", "HTN", "Age_75_or_Older", "DM", "Stroke"),
    *("Vascular_Diseases", "Comments", "Holter_start_time", "Holter_recording_length"),
)
RATE = 200


def write_table(folder: Path, lines: list[dict]) -> None:
    """AdditionalData.csv with its 45 columns, those not given empty."""
    with open(folder / "AdditionalData.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(lines)


def write_record(folder: Path, name: str, source: Path, seconds: tuple[float, float], annotated: bool = True) -> None:
    """A stretch of a record of MIT-BIH as a record of SHDB-AF; its rhythms are the notes of their first beats."""
    wave = read(source)
    rate = wave.sampling_rate
    first, end = (round(second * rate) for second in seconds)
    values = resample(wave.cut(first, end).to_millivolts(), rate, RATE, "polyphase").T
    write_values(folder, name, values)
    found = read_annotations(source).cut(first, end)
    beats = np.unique(((found.beats.samples - first) * RATE / rate).astype(int))
    wfdb.wrann(name, "qrs", beats, symbol=["N"] * len(beats), fs=RATE, write_dir=str(folder))
    if annotated:
        marks = [(round((start - first) * RATE / rate), f"({code}") for start, _, code in found.rhythms]
        write_annotations(folder, name, beats, marks)


def write_values(folder: Path, name: str, millivolts: np.ndarray) -> None:
    """`(samples, 2)` as `ECG1` and `ECG2`, each with the gain and baseline that fill 16 bits."""
    low, high = millivolts.min(axis=0), millivolts.max(axis=0)
    gain = 65_000 / (high - low)
    baseline = np.rint(-32_500 - low * gain).astype(int)
    wfdb.wrsamp(
        *(name, RATE, ["mV", "mV"], ["ECG1", "ECG2"]),
        d_signal=np.rint(millivolts * gain + baseline).astype(np.int64),
        fmt=["16", "16"],
        adc_gain=gain.tolist(),
        baseline=baseline.tolist(),
        write_dir=str(folder),
    )


def write_annotations(folder: Path, name: str, beats: np.ndarray, marks: list[tuple[int, str]]) -> None:
    """Every beat a comment; a mark is the note of the first beat from its sample on."""
    notes = [""] * len(beats)
    for sample, code in marks:
        place = int(np.searchsorted(beats, sample))
        if place < len(notes):
            notes[place] = code
    wfdb.wrann(name, "atr", beats, symbol=['"'] * len(beats), aux_note=notes, fs=RATE, write_dir=str(folder))
