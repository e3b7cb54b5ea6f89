"""How far `hf_ecg.measure` agrees with others: MIT-BIH's annotators, a network that learned from annotators,
neurokit2, machines, and simulated truth. `docs/results/measurements.md` has what it prints.

    python tests/benchmarks/measurements.py mitdb ../shared/data/mitdb
    python tests/benchmarks/measurements.py frames ../shared/data/ptb-xl ONNX frames  # with openecg 0.11.0
    python tests/benchmarks/measurements.py delineated ../shared/data/ptb-xl frames
    python tests/benchmarks/measurements.py simulated
    python tests/benchmarks/measurements.py machines ../shared/data/devices/philips-sierra/*.xml
"""

import csv
import sys
import time
import warnings
from pathlib import Path

import numpy as np

import hf_ecg
from hf_ecg.signals import read
from hf_ecg.simulation import simulate_ecg

BEATS = set("NLRVAaJSFejE/fQ")
NAMES = ("pr_ms", "qrs_ms", "qt_ms")
P, QRS, T = 1, 2, 3


def mitdb(folder):
    """R peaks within 75 ms. Clean, by a rule made before: the annotators call at most 30 s of the first signal noisy,
    and there is no ventricular flutter."""
    import wfdb

    totals = {"all": np.zeros(3, int), "clean": np.zeros(3, int)}
    print("record  beats  sensitivity  PPV      F1      clean")
    for header in sorted(Path(folder).glob("*.hea")):
        record, notes = read(header), wfdb.rdann(str(header.with_suffix("")), "atr")
        true = np.array([at for at, kind in zip(notes.sample, notes.symbol, strict=True) if kind in BEATS])
        found = hf_ecg.measure(record).beats.r
        right = matched(true, found, 0.075 * record.sampling_rate)
        clean = noisy_seconds(notes, record) <= 30 and not set("![") & set(notes.symbol)
        counts = np.array([right, len(true), len(found)])
        for name in ("all", "clean") if clean else ("all",):
            totals[name] += counts
        print(f"{header.stem:6}  {len(true):5}  {rates(counts)}  {'yes' if clean else 'no'}", flush=True)
    for name, counts in totals.items():
        print(f"{name:6}  {counts[1]:5}  {rates(counts)}")


def rates(counts) -> str:
    right, true, found = counts
    return f"{100 * right / true:11.2f}  {100 * right / max(found, 1):6.2f}  {200 * right / (true + found):6.2f}"


def matched(true, found, tolerance) -> int:
    i = j = right = 0
    while i < len(true) and j < len(found):
        apart = found[j] - true[i]
        right, i, j = right + (abs(apart) <= tolerance), i + (apart >= -tolerance), j + (apart <= tolerance)
    return right


def noisy_seconds(notes, record) -> float:
    found, noisy, since = 0.0, False, 0
    for at, kind, state in [
        *zip(notes.sample, notes.symbol, notes.subtype, strict=True),
        (record.num_samples, "~", 0),
    ]:
        if kind == "~":
            found += (at - since) * noisy
            noisy, since = bool(int(state) & 0x11), at
    return found / record.sampling_rate


def frames(ptb_xl, onnx, output):
    """What openecg's codec (int8) says of every sample of every lead: 0 nothing, 1 P, 2 QRS, 3 T."""
    import onnxruntime
    from openecg.dsp import rank_normalize

    session = onnxruntime.InferenceSession(onnx)
    Path(output).mkdir(exist_ok=True)
    for header in sorted(Path(ptb_xl).glob("records500/*/*.hea")):
        signal = read(header).to_millivolts().astype(np.float32)
        inputs = [np.asarray(rank_normalize(lead), np.float32)[None] for lead in signal]
        told = [session.run(["frame_logits"], {"signal": lead})[0][0].argmax(-1) for lead in inputs]
        np.save(Path(output) / f"{header.stem}.npy", np.array(told, np.uint8))


def delineated(ptb_xl, folder):
    """Intervals of PTB-XL's records at 500 Hz beside those of the codec, on the folds that the shares were chosen on
    and on the others; each interval with its bootstrap over records."""
    with open(Path(ptb_xl) / "ptbxl_database_hr.csv", encoding="utf-8") as file:
        fold = {Path(row["filename_hr"]).name: int(row["strat_fold"]) for row in csv.DictReader(file)}
    paths = {path.stem: path for path in Path(ptb_xl).glob("records500/*/*.hea")}
    rows, neurokit, seconds = [], [], []
    for file in sorted(Path(folder).glob("*.npy")):
        told, record = np.load(file), read(paths[file.stem])
        start = time.process_time()
        found = hf_ecg.measure(record)
        seconds.append(time.process_time() - start)
        ours = np.array([getattr(found, name) for name in NAMES])
        good = np.array([found.values[name].reliability == "good" for name in NAMES])
        by_lead, together = reference(told)
        second = record.leads.index("II")
        own = np.array([found.leads["II"][name] if "II" in found.leads else np.nan for name in NAMES])
        rows.append([fold[file.stem] > 5, ours, np.nanmedian(by_lead, axis=0), together, good, own, by_lead[second]])
        neurokit.append(dwt(record.to_millivolts()[second]) if fold[file.stem] > 5 else np.full(3, np.nan))
    later, ours, middle, together, good, own, second = (np.array(column) for column in zip(*rows, strict=True))
    for name, part in (("folds 1-5 (chosen on)", ~later), ("folds 6-10 (judged on)", later)):
        print(f"\n{name}: {part.sum()} records")
        compared("middle of its leads", ours[part], middle[part])
        compared("first and last lead", ours[part], together[part])
        compared("middle, ours good", np.where(good[part], ours[part], np.nan), middle[part])
        compared("lead II by itself", own[part], second[part])
    compared("neurokit2 DWT, lead II", np.array(neurokit)[later], second[later])
    print(f"a record: {1000 * np.median(seconds):.0f} ms of one core, {1000 * np.max(seconds):.0f} at most")


def compared(name, ours, theirs):
    rng, told = np.random.default_rng(0), []
    for place, interval in enumerate(NAMES):
        apart = (ours - theirs)[:, place]
        apart = apart[np.isfinite(apart)]
        drawn = np.abs(apart)[rng.integers(0, len(apart), (1000, len(apart)))].mean(axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975))
        mean = np.abs(apart).mean()
        told.append(f"{interval} {mean:.1f} [{low:.1f}, {high:.1f}] bias {np.median(apart):+.0f} n {len(apart)}")
    print(f"  {name:24} {'   '.join(told)}")


def reference(told):
    """(leads, 3) medians of each lead, and (3,) of all leads: where an eighth have begun, and seven have ended."""
    leads = [beats_of(lead) for lead in told]
    by_lead = np.array([intervals(beats) for beats in leads])
    every = []
    for beat in max(leads, key=len):
        near = [one[np.abs(one[:, 1:3].mean(1) - beat[1:3].mean()).argmin()] for one in leads if len(one)]
        near = np.array([one for one in near if abs(one[1:3].mean() - beat[1:3].mean()) < 50])
        if len(near) >= 6:
            columns = [(0, 0.12), (1, 0.12), (2, 0.88), (3, 0.88)]
            seen = [np.isfinite(near[:, place]).sum() >= 6 for place, _ in columns]
            every.append(
                [np.nanquantile(near[:, at], q) if ok else np.nan for (at, q), ok in zip(columns, seen, strict=True)]
            )
    together = intervals(np.array(every).reshape(-1, 4))
    few = np.isfinite(by_lead).sum(axis=0) < 6
    return np.where(few, np.nan, by_lead), together


def beats_of(lead):
    """(beats, 4) onset of P, onset and end of QRS, end of T of one lead; the ends of the record are not told."""
    p, qrs, t = (runs(lead == wave, least) for wave, least in ((P, 15), (QRS, 15), (T, 25)))
    found = []
    for number, (first, last) in enumerate(qrs):
        if first < 250 or last > len(lead) - 350:
            continue
        before = qrs[number - 1][1] if number else 0
        after = qrs[number + 1][0] if number + 1 < len(qrs) else len(lead)
        ps = [one for one in p if one[1] <= first + 3 and one[0] >= max(before, first - 200)]
        ts = [one for one in t if one[0] >= last - 3 and one[0] < min(after, last + 200)]
        found.append([ps[-1][0] if ps else np.nan, first, last - 1, ts[0][1] - 1 if ts else np.nan])
    return np.array(found, float).reshape(-1, 4)


def runs(there, least):
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]]))).reshape(-1, 2)
    joined: list = []
    for first, last in edges:
        if joined and first - joined[-1][1] <= 6:
            joined[-1][1] = last
        else:
            joined.append([first, last])
    return [one for one in joined if one[1] - one[0] >= least]


def intervals(beats):
    """(3,) PR, QRS, QT in ms: medians, NaN where less than half of the beats have the wave."""
    if len(beats) < 3:
        return np.full(3, np.nan)
    found = 2 * np.stack([beats[:, 1] - beats[:, 0], beats[:, 2] - beats[:, 1], beats[:, 3] - beats[:, 1]])
    return np.where(np.isfinite(found).mean(axis=1) >= 0.5, np.nanmedian(found, axis=1), np.nan)


def dwt(lead):
    import neurokit2

    try:
        clean = neurokit2.ecg_clean(lead, sampling_rate=500)
        _, peaks = neurokit2.ecg_peaks(clean, sampling_rate=500)
        _, waves = neurokit2.ecg_delineate(clean, peaks["ECG_R_Peaks"], sampling_rate=500, method="dwt")
    except (ValueError, IndexError, ZeroDivisionError):
        return np.full(3, np.nan)
    names = ("ECG_P_Onsets", "ECG_R_Onsets", "ECG_R_Offsets", "ECG_T_Offsets")
    return intervals(np.array([np.asarray(waves[name], float) for name in names]).T)


def simulated():
    """Commanded PR, QRS and QT of 20 seeds a condition. The simulator's QRS ends within 2 ms."""
    for condition in ("sinus_rhythm", "left_bundle_branch_block", "first_degree_av_block", "atrial_fibrillation"):
        for noise in (0.0, 1.0, 3.0):
            apart = []
            for seed in range(20):
                ecg = simulate_ecg(condition, 500, seed=seed, noise=noise)
                found = hf_ecg.measure(ecg.signal, 500, ecg.leads, "mV")
                true = [ecg.parameters.pr_ms or np.nan, ecg.parameters.qrs_ms, ecg.parameters.qt_ms]
                apart.append([getattr(found, name) - one for name, one in zip(NAMES, true, strict=True)])
            bias, spread = np.nanmedian(apart, axis=0), np.nanstd(apart, axis=0)
            told = "  ".join(f"{name} {b:+.0f} (sd {s:.0f})" for name, b, s in zip(NAMES, bias, spread, strict=True))
            print(f"{condition:26} noise {noise:g}: {told}", flush=True)


def machines(*paths):
    """What the electrocardiograph itself measured, beside ours."""
    for path in paths:
        record = read(path)
        found = hf_ecg.measure(record)
        for name in ("heart_rate", *NAMES, "qtc_bazett_ms", "p_axis", "qrs_axis", "t_axis"):
            machine = record.measurements.get(name.replace("_bazett", ""))
            print(f"{Path(path).name}  {name}  machine {machine}  ours {found.values[name]}")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {one.__name__: one for one in (mitdb, frames, delineated, simulated, machines)}[sys.argv[1]](*sys.argv[2:])
