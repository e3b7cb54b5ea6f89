"""A made-up folder in the layout of MIMIC-IV-ECG 1.0, and MIMIC-IV's tables beside it, to be damaged at will."""

import csv
import gzip
from pathlib import Path

import numpy as np

# aVF before aVL, as the corpus has it
FILE_LEADS = ("I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6")
GAIN, SAMPLES = 200, 5000
MEASUREMENTS = {
    "rr_interval": 800,
    "p_onset": 40,
    "p_end": 150,
    "qrs_onset": 200,
    "qrs_end": 290,
    "t_end": 560,
    "p_axis": 50,
    "qrs_axis": -12,
    "t_axis": 40,
}
CLINICAL = {
    "hosp/patients": "subject_id gender anchor_age anchor_year anchor_year_group dod",
    "hosp/omr": "subject_id chartdate seq_num result_name result_value",
    "hosp/labevents": "labevent_id subject_id hadm_id itemid charttime value valuenum valueuom comments",
    "hosp/admissions": "subject_id hadm_id admittime dischtime",
    "hosp/diagnoses_icd": "subject_id hadm_id seq_num icd_code icd_version",
    "ed/edstays": "subject_id hadm_id stay_id intime outtime",
    "ed/triage": "subject_id stay_id temperature heartrate sbp dbp",
}


def waves(generator: np.random.Generator) -> np.ndarray:
    """int16 (12, 5000) in the files' order, limb leads as Einthoven has them."""
    time = np.arange(SAMPLES) / 500 % generator.uniform(0.6, 1.1)
    beat = sum(
        height * np.exp(-(((time - at) / width) ** 2))
        for height, at, width in ((0.1, 0.1, 0.02), (1.0, 0.22, 0.01), (-0.2, 0.25, 0.01), (0.3, 0.45, 0.04))
    )
    scale = generator.uniform(0.3, 1.5, (8, 1))
    first, second, *chest = np.round(GAIN * scale * beat + generator.normal(0, 2, (8, SAMPLES))) // 2 * 2
    limbs = [first, second, second - first, -(first + second) / 2, second - first / 2, first - second / 2]
    return np.array([*limbs, *chest]).astype(np.int16)


class MadeMimic:
    """`records`, `measurements` and `clinical` are the tables' lines; `save` writes them."""

    def __init__(self, folder: Path):
        self.folder, self.mimic_iv = folder / "ecg", folder / "mimic_iv"
        self.records, self.measurements = [], []
        self.clinical: dict[str, list[dict]] = {name: [] for name in CLINICAL}
        self.folder.mkdir(parents=True)

    def add(self, patient: int, study: int, time="2150-06-01 10:00:00", report=("Sinus rhythm",), **measured) -> dict:
        """Lines of both tables and the two files of a record."""
        path = f"files/p{str(patient)[:4]}/p{patient}/s{study}/{study}"
        line = {"subject_id": patient, "study_id": study, "file_name": study, "ecg_time": time, "path": path}
        self.records.append(line)
        reports = {f"report_{number}": "" for number in range(18)}
        reports |= {f"report_{number}": words or "" for number, words in enumerate(report)}
        cart = {"bandwidth": "0.005-150 Hz", "filtering": "60 Hz notch Baseline filter"}
        self.measurements.append(
            {"subject_id": patient, "study_id": study, "cart_id": 6848296, "ecg_time": time}
            | reports | cart | MEASUREMENTS | measured
        )  # fmt: skip
        self.write(line, waves(np.random.default_rng(study)))
        return line

    def write(self, line: dict, counts: np.ndarray, leads=FILE_LEADS, rate=500, name=None, patient=None) -> None:
        """The two files of a record; `counts` (leads, samples) in the order of `leads`."""
        name = str(name or line["study_id"])
        stem = self.folder / line["path"]
        stem.parent.mkdir(parents=True, exist_ok=True)
        counts = np.asarray(counts, np.int16)
        sums = counts.sum(-1, dtype=np.int16)
        header = [f"{name} {len(leads)} {rate} {counts.shape[1]} 12:04:00 22/09/2182"]
        header += [
            f"{stem.name}.dat 16 {GAIN}.0(0)/mV 16 0 {row[0]} {total} 0 {lead}"
            for row, total, lead in zip(counts, sums, leads, strict=True)
        ]
        header.append(f"# <subject_id>: {patient or line['subject_id']}")
        stem.with_suffix(".hea").write_text("\n".join(header) + "\n")
        stem.with_suffix(".dat").write_bytes(counts.T.astype("<i2").tobytes())

    def save(self) -> None:
        _write(self.folder / "record_list.csv", self.records)
        _write(self.folder / "machine_measurements.csv", self.measurements)
        for name, lines in self.clinical.items():
            columns = CLINICAL[name].split()
            lines = [dict.fromkeys(columns, "") | line for line in lines]
            path = self.mimic_iv / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            if name == "hosp/labevents":
                path = path.with_suffix(".csv.gz")
            _write(path, lines, columns)


def _write(path: Path, lines: list[dict], columns: list[str] | None = None) -> None:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns or list(lines[0]))
        writer.writeheader()
        writer.writerows(lines)


def fill(made: MadeMimic, records: int, per_patient: int = 5) -> MadeMimic:
    """Many records, with an outpatient pressure, a cholesterol and a birth for each patient."""
    reports = (("Sinus rhythm", "Normal ECG"), ("Atrial fibrillation", None, "Abnormal ECG"), ("Sinus bradycardia",))
    for number in range(records):
        patient, study = 10_000_000 + number // per_patient, 40_000_000 + number
        made.add(patient, study, f"21{50 + number % per_patient}-06-01 10:00:00", reports[number % len(reports)])
        if number % per_patient == 0:
            about = {"subject_id": patient}
            made.clinical["hosp/patients"].append(
                about | {"gender": "FM"[number % 2], "anchor_age": 40 + patient % 40, "anchor_year": 2150}
            )
            made.clinical["hosp/omr"].append(
                about | {"chartdate": "2150-01-01", "result_name": "Blood Pressure", "result_value": "130/80"}
            )
            for item, value in ((50907, 190), (50904, 50)):
                made.clinical["hosp/labevents"].append(
                    about
                    | {"itemid": item, "charttime": "2150-02-01 08:00:00", "valuenum": value, "valueuom": "mg/dL"}
                )
    made.save()
    return made
