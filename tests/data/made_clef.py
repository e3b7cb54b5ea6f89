"""Small folders in the layouts of MUSIC, Icentia11k, MC-MED and Aurora-BP, as their publications describe them."""

import csv
from pathlib import Path

import numpy as np
import wfdb


def wave(seconds: float, rate: int, channels: int = 1, seed: int = 0) -> np.ndarray:
    """(samples, channels) in millivolts, as large as an ECG."""
    times = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).normal(scale=0.05, size=(len(times), channels))
    return np.sin(2 * np.pi * 1.3 * times)[:, None] ** 21 + noise


def write_record(folder: Path, name: str, signals: np.ndarray, rate: int, channels: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=["mV"] * len(channels),
        sig_name=channels,
        p_signal=signals,
        fmt=["16"] * len(channels),
        adc_gain=[1000.0] * len(channels),
        baseline=[0] * len(channels),
        write_dir=str(folder),
    )


def write_table(path: Path, rows: list[dict], separator: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)
    return path


def music(folder: Path, patients: int = 12) -> Path:
    """Patient 0 has a flat first window; patient 5 no recording; patient 6 an unknown cause."""
    causes = ["0", "1", "3", "6", "7"]
    rows = []
    for number in range(patients):
        name = f"P{number:04}"
        rows.append(
            {
                "Patient ID": name,
                "Cause of death": "" if number == 6 else causes[number % 5],
                "Follow-up period from enrollment (days)": str(100 + number),
                "Age": ">89" if number == 1 else "61",
                "Gender (male=1)": str(number % 2),
                "LVEF (%)": "35,5",
            }
        )
        if number != 5:
            signals = wave(35, 200, 3, number)
            signals[: 2000 if number == 0 else 0] = 0
            write_record(folder / "Holter_ECG", name, signals, 200, ["X", "Y", "Z"])
    write_table(folder / "subject-info.csv", rows, ";")
    return folder


def icentia(folder: Path, patients: int = 3) -> Path:
    """Segment 0 has N beats and sinus rhythm; segment 1 S and V beats, and AF that ends before its next mark."""
    for number in range(patients):
        name = f"p{number:05}"
        place = folder / name[:3] / name
        for segment in (0, 1):
            write_record(place, f"{name}_s{segment:02}", wave(60, 250, 1, segment), 250, ["ECG"])
            beats = np.arange(100, 15000, 200)
            marks = {0: ("+", "(N")} if segment == 0 else {0: ("+", "(AFIB"), 5000: ("+", ")"), 14_900: ("+", "(AFL")}
            kinds = ["N"] * len(beats) if segment == 0 else ["S", "V", "Q"] * len(beats)
            entries = sorted([*marks.items(), *((int(at), (kinds[i], "")) for i, at in enumerate(beats))])
            wfdb.wrann(
                f"{name}_s{segment:02}",
                "atr",
                np.array([at for at, _ in entries]),
                [symbol for _, (symbol, _) in entries],
                aux_note=[note for _, (_, note) in entries],
                write_dir=str(place),
            )
    return folder


def mc_med(folder: Path, visits: int = 10) -> Path:
    """Two visits a patient; visit 2 has no waveform."""
    ed = ["Discharge", "Inpatient", "Observation", "ICU", "Left"]
    after = ["Home/Work (includes foster care)", "Skilled Nursing Facility", "Expired", "No disposition", ""]
    rows = []
    for number in range(visits):
        csn = str(99_000_000 + number * 1001)
        rows.append(
            {
                "MRN": str(number // 2),
                "CSN": csn,
                "Age": "90+" if number == 0 else "44",
                "Gender": "FM"[number % 2],
                "Triage_acuity": "" if number == 3 else f"{1 + number % 5}-Urgent",
                "Triage_SBP": "" if number == 1 else str(120 + number),
                "Triage_DBP": "80",
                "ED_dispo": ed[number % 5],
                "DC_dispo": after[number % 5],
                "CC": "PAIN, CHEST",
            }
        )
        if number != 2:
            place = folder / "data/waveforms" / csn[-3:] / csn / "II"
            write_record(place, f"{csn}_1", wave(12, 500, 1, number), 500, ["II"])
    write_table(folder / "data/visits.csv", rows)
    parts = {"train": rows[:6], "val": rows[6:8], "test": rows[8:]}
    for name, part in parts.items():
        lines = "".join(f"{row['CSN']}\n" for row in part)
        (folder / f"data/split_chrono_{name}.csv").write_text(lines)
    return folder


def aurora(folder: Path, people: int = 12) -> Path:
    """Participant 1's waveform is too short; participant 2's has gaps; participant 3 has no such measurement."""
    rows, info, features = [], [], []
    for number in range(people):
        name = f"a{number:03}"
        info.append({"pid": name, "age": "50.0", "gender": "MF"[number % 2]})
        features.append({"pid": name, "phase": "initial", "baseline_sbp": "118", "baseline_dbp": "77"})
        for kind in ("Calibration start 1", "Supine"):
            if number == 3 and kind.startswith("Cal"):
                continue
            file = f"measurements_auscultatory/{name}/{name}.initial.{kind.replace(' ', '_')}.tsv"
            rows.append(
                {
                    "pid": name,
                    "phase": "initial",
                    "measurement": kind,
                    "sbp": str(110 + number),
                    "dbp": "70",
                    "waveform_file_path": file,
                }
            )
            if kind == "Supine":
                continue
            voltages = wave(4 if number == 1 else 10.5, 500, 1, number)[:, 0]
            lines = ["t\tekg\toptical"]
            for place, value in enumerate(voltages):
                told = "" if number == 2 and place == 7 else f"{value:.4f}"
                lines.append(f"{place / 500:.3f}\t{told}\t0.1")
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(lines) + "\n")
    write_table(folder / "measurements_auscultatory.tsv", rows, "\t")
    write_table(folder / "participants.tsv", info, "\t")
    write_table(folder / "features.tsv", features, "\t")
    return folder
