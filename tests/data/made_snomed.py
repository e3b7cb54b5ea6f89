"""Made-up records in the layout of the PhysioNet Challenges, and MERL's tables of them, to be damaged at will."""

import csv
from pathlib import Path

import numpy as np
from scipy.io import savemat

from hf_ecg.data.readers.merl_tables import SPLIT_FILES, TASKS
from hf_ecg.signals.leads import STANDARD_LEADS


def waves(seconds: float = 10, rate: int = 500, seed: int = 0) -> np.ndarray:
    """int16 (12, samples): a beat a second, 1,000 counts a millivolt, another height in each lead."""
    time = np.arange(round(seconds * rate)) / rate % 1.0
    beat = np.exp(-(((time - 0.3) / 0.012) ** 2)) + 0.25 * np.exp(-(((time - 0.6) / 0.05) ** 2))
    noise = np.random.default_rng(seed).normal(0, 0.01, (12, len(time)))
    return np.rint(1000 * (np.linspace(0.4, 1.5, 12)[:, None] * beat + noise)).astype(np.int16)


def write_record(folder, name: str, dx: str | None, counts=None, rate: int = 500, age="63", sex="Male") -> Path:
    """NAME.hea and NAME.mat as the Challenges write them: MATLAB 4 with `val`, 24 bytes before the samples."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    counts = waves(rate=rate) if counts is None else counts
    savemat(folder / f"{name}.mat", {"val": counts}, format="4")
    sums = counts.sum(-1, dtype=np.int16)
    lines = [f"{name} 12 {rate} {counts.shape[1]} 04-Feb-2020 17:45:41"]
    for lead, first, total in zip(STANDARD_LEADS, counts[:, 0], sums, strict=True):
        lines.append(f"{name}.mat 16+24 1000/mV 16 0 {first} {total} 0 {lead}")
    lines += [f"#Age: {age}", f"#Sex: {sex}", *([] if dx is None else [f"#Dx: {dx}"]), "#Rx: Unknown"]
    header = folder / f"{name}.hea"
    header.write_text("\n".join(lines) + "\n")
    return header


def write_struct(folder, name: str, millivolts: np.ndarray, age=63, sex="Male") -> Path:
    """NAME.mat as CPSC2018 published it: a struct ECG."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / f"{name}.mat"
    savemat(path, {"ECG": {"sex": sex, "age": age, "data": millivolts}})
    return path


def write_tables(folder, task: str, rows: dict[str, list[dict]], columns: dict[str, list[str]] | None = None) -> Path:
    """MERL's tables of a task: split -> lines with the key, the classes that are 1, and what else is written.

    A line is `{key: ..., "positives": [...], **other columns}`; `columns`: split -> order of the classes.
    """
    chosen = TASKS[task]
    for split, ending in SPLIT_FILES.items():
        order = (columns or {}).get(split, list(chosen.classes))
        path = Path(folder) / f"{chosen.files}_{ending}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            others = [name for name in rows[split][0] if name not in ("positives", chosen.key)]
            writer.writerow([chosen.key, *others, *order])
            for line in rows[split]:
                labels = [int(name in line["positives"]) for name in order]
                writer.writerow([line[chosen.key], *(line[name] for name in others), *labels])
    return Path(folder)
