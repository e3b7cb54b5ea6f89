"""How many records of PTB-XL pass `hf_ecg.signals.quality`, and how many damaged copies of them are caught.

    python tests/benchmarks/quality.py --data_dir PTB-XL [--sampling_rate 100]

Every record is damaged in every way, in one lead drawn with a fixed seed where the damage is that of a lead. "caught"
is the share of damaged leads that have the flag; for reversals, of records. The last column is the share of leads (of
records) that have the flag undamaged.
"""

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a checkout works without installation

from hf_ecg.signals import STANDARD_LEADS, read
from hf_ecg.signals.quality import check_quality

BATCH = 16
FILES = {100: "filename_lr", 500: "filename_hr"}


def gap(lead, time, generator):
    return _stretch(lead, time, 0.3, np.nan, generator)


def hold(lead, time, generator):
    return _stretch(lead, time, 1.0, lead[0], generator)


def unplug(lead, time, generator):
    return np.zeros_like(lead)


def clip(lead, time, generator):
    return np.clip(lead, -1.0, 1.0)


def hum(lead, time, generator):
    return lead + 0.2 * np.sin(2 * np.pi * (50 * time + generator.uniform()))


def wander(lead, time, generator):
    return lead + 2.0 * np.sin(2 * np.pi * (0.25 * time + generator.uniform()))


def scale(lead, time, generator):
    return lead * 1000


def invert(lead, time, generator):
    return -lead


def _stretch(lead, time, seconds, value, generator):
    start = generator.uniform(time[0], time[-1] - seconds)
    return np.where((time >= start) & (time < start + seconds), value, lead)


def swap_arms(signals):
    """LA and RA interchanged: I inverted, II and III as well as aVR and aVL in each other's place."""
    return np.concatenate([-signals[:, :1], signals[:, [2, 1, 4, 3]], signals[:, 5:]], axis=1)


def swap_right_arm_and_leg(signals):
    """RA and RL interchanged, the legs being at one potential: II is zero, I is -III."""
    two, three = np.zeros_like(signals[:, 1]), signals[:, 2]
    limb = [-three, two, three, three / 2, -three, three / 2]
    return np.concatenate([np.stack(limb, axis=1), signals[:, 6:]], axis=1)


LEAD_DAMAGE = {
    "NaN for 0.3 s": (gap, "missing"),
    "constant for 1 s": (hold, "flat"),
    "zero throughout": (unplug, "flat"),
    "clipped at 1 mV": (clip, "clipped"),
    "50 Hz hum of 0.2 mV": (hum, "mains"),
    "0.25 Hz wander of 2 mV": (wander, "wander"),
    "times 1000": (scale, "amplitude"),
    "limb lead inverted": (invert, "einthoven"),
}
RECORD_DAMAGE = {
    "LA and RA swapped": (swap_arms, "arm_reversal"),
    "RA and RL swapped": (swap_right_arm_and_leg, "leg_reversal"),
}


def flags_of(signals, sampling_rate) -> dict[str, np.ndarray]:
    """Flag -> bool (records, leads); batches keep the memory small."""
    parts = [
        check_quality(signals[start : start + BATCH], sampling_rate, STANDARD_LEADS).flags
        for start in range(0, len(signals), BATCH)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def damage_one_lead(signals, damage, sampling_rate):
    """The signals with one lead each damaged, and the leads' numbers."""
    generator = np.random.default_rng(0)
    seconds = np.arange(signals.shape[-1]) / sampling_rate
    damaged, leads = signals.copy(), np.empty(len(signals), int)
    for number, record in enumerate(damaged):
        allowed = np.arange(12)
        if damage is clip:
            # only a lead that reaches beyond the rail is damaged by it
            allowed = np.flatnonzero(np.abs(record).max(-1) > 1.0)
        elif damage is invert:
            allowed = np.arange(6)
        leads[number] = generator.choice(allowed) if len(allowed) else -1
        if leads[number] >= 0:
            record[leads[number]] = damage(record[leads[number]], seconds, generator)
    return damaged, leads


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data_dir", required=True, type=Path, help="folder with ptbxl_database.csv and the records")
    parser.add_argument("--sampling_rate", type=int, choices=tuple(FILES), default=100)
    args = parser.parse_args(arguments)
    rate = args.sampling_rate
    with (args.data_dir / "ptbxl_database.csv").open(newline="", encoding="utf-8") as file:
        files = [row[FILES[rate]] for row in csv.DictReader(file) if row[FILES[rate]]]
    signals = np.stack([read(args.data_dir / file).to_millivolts() for file in files]).astype(np.float64)

    started = time.perf_counter()
    plain = flags_of(signals, rate)
    seconds = time.perf_counter() - started
    failed = np.any(list(plain.values()), axis=0)
    print(f"{len(signals)} records at {rate} Hz, {1000 * seconds / len(signals):.2f} ms a record")
    print(f"passed: {1 - failed.any(-1).mean():.2%} of records, {1 - failed.mean():.2%} of leads")
    print("flagged records:", {name: int(flag.any(-1).sum()) for name, flag in plain.items()})
    print(f"\n{'damage':<26}{'flag':<14}{'caught':>8}{'of':>7}{'undamaged':>11}")
    for name, (damage, flag) in LEAD_DAMAGE.items():
        damaged, leads = damage_one_lead(signals, damage, rate)
        hit = np.flatnonzero(leads >= 0)
        caught = flags_of(damaged, rate)[flag][hit, leads[hit]]
        print(f"{name:<26}{flag:<14}{caught.mean():>8.2%}{len(hit):>7}{plain[flag].mean():>11.2%}")
    for name, (damage, flag) in RECORD_DAMAGE.items():
        caught = flags_of(damage(signals), rate)[flag].any(-1)
        print(f"{name:<26}{flag:<14}{caught.mean():>8.2%}{len(caught):>7}{plain[flag].any(-1).mean():>11.2%}")


if __name__ == "__main__":
    main()
