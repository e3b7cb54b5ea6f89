"""The beats of MIT-BIH's DS2 by the published codec, judged as `hf-ecg study beats` judges its own networks.

python tests/benchmarks/codec_beats.py --model out/codec --data_dir MITDB --answers out/codec_beats

The codec (openecg-codec-v6) says a kind of beat for every sample of a lead. A beat is answered by the mean of its
logits within 50 ms of the annotated R peak, "none" left out; of windows of 10 s, one every 8 s, the one counts whose
middle is nearest. It has no class for supraventricular beats. Nothing was chosen on these beats.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
from transformers import AutoFeatureExtractor

import hf_ecg
from hf_ecg.data.readers.mit_bih_beats import AAMI, CLASS_OF, LEAD
from hf_ecg.data.readers.mit_bih_records import COMPAT_DS1_DS2, SAME_PATIENT, read_marks, read_record, split_records
from hf_ecg.data.readers.snomed_records import find_records
from hf_ecg.evaluation.metrics.confusion import confusion_figures, patient_confusions
from hf_ecg.evaluation.metrics.figures import bootstrap_figures
from hf_ecg.evaluation.metrics.interval_text import interval_text
from hf_ecg.evaluation.options import DEFAULT_INTERVALS
from hf_ecg.signals.high_quality_beats import beat_stretches

WINDOW_S, STEP_S, AROUND_S, BATCH = 10.0, 8.0, 0.05, 16
AAMI_OF = {"sinus": "N", "vpc": "V", "fusion": "F", "paced": "Q", "unknown": "Q"}


def told_beats(model, extractor, wave, peaks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The codec's class of each beat, and whether it says QRS within 75 ms of the peak.

    Args:
        wave: of one lead.
        peaks: float (beats,), seconds.
    """
    rate, values = wave.sampling_rate, wave.to_millivolts()
    size = round(WINDOW_S * rate)
    starts = np.arange(0, values.shape[1] - size + 1, round(STEP_S * rate))
    starts = np.unique([*starts, values.shape[1] - size])
    nearest = np.abs(peaks[:, None] - (starts[None] / rate + WINDOW_S / 2)).argmin(axis=1)
    names, none = list(model.config.beat_classes), list(model.config.beat_classes).index("none")
    qrs, hz = list(model.config.frame_classes).index("QRS"), extractor.sampling_rate
    told, found = np.empty(len(peaks), dtype=object), np.zeros(len(peaks), dtype=bool)
    for first in range(0, len(starts), BATCH):
        some = starts[first : first + BATCH]
        windows = np.stack([values[:, start : start + size] for start in some])
        given = extractor(windows, sampling_rate=rate, leads=wave.leads, units="mV", lead="II", return_tensors="pt")
        with torch.no_grad():
            outputs = model(**given)
        logits, frame = outputs.beat_logits.numpy(), outputs.frame_logits.argmax(-1).numpy()
        for place, start in enumerate(some):
            for beat in np.flatnonzero(nearest == first + place):
                at = (peaks[beat] - start / rate) * hz
                low, high = (max(0, round(at + sign * AROUND_S * hz)) for sign in (-1, 1))
                mean = logits[place, low : high + 1].mean(axis=0)
                mean[none] = -np.inf
                told[beat] = AAMI_OF[names[int(mean.argmax())]]
                low, high = (max(0, round(at + sign * 0.075 * hz)) for sign in (-1, 1))
                found[beat] = (frame[place, low : high + 1] == qrs).any()
    return told, found


def judged(labels, answers, patients) -> tuple[dict, np.ndarray]:
    """Figures with intervals over patients, and the table of answers."""
    classes = list(AAMI)
    numbers = [[classes.index(one) for one in part] for part in (labels, answers)]
    counts, names = patient_confusions(*numbers, patients, len(classes))
    intervals = DEFAULT_INTERVALS
    measure = partial(confusion_figures, counts, classes)
    found = bootstrap_figures(measure, names, intervals.replicates, intervals.seed).intervals
    return {name: vars(one) for name, one in found.items()}, counts.sum(axis=0)


def answered(record, model, extractor, data_dir: Path, kept: Path) -> dict[str, np.ndarray]:
    """Labels, answers and whether QRS was found, of each beat of a record; from `kept` where it is there."""
    file = kept / f"{record.record_id}.npz"
    if not file.is_file():
        wave, marks = (read(data_dir, record.file) for read in (partial(read_record, lead=LEAD), read_marks))
        peaks, symbols = marks.beats
        places = np.flatnonzero(beat_stretches(peaks, marks.end, marks.sampling_rate).kept)
        told, there = told_beats(model, extractor, wave, peaks[places] / marks.sampling_rate)
        labels = np.array([CLASS_OF[symbols[place]] for place in places])
        kept.mkdir(parents=True, exist_ok=True)
        np.savez(file, labels=labels, answers=told.astype(str), found=there)
    with np.load(file) as found:
        return dict(found)


def main() -> None:
    """Prints the lines of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="converted codec")
    parser.add_argument("--data_dir", required=True, type=Path, help="MIT-BIH Arrhythmia Database")
    parser.add_argument(
        "--answers", required=True, type=Path, help="keeps each record's, so that a stopped run goes on"
    )
    given = parser.parse_args()
    model = hf_ecg.AutoModelForECGDelineation.from_pretrained(given.model).eval()
    extractor = AutoFeatureExtractor.from_pretrained(given.model)
    records = split_records(find_records(given.data_dir), COMPAT_DS1_DS2).splits["test"]
    told, patients = [], []
    for record in records:
        told.append(answered(record, model, extractor, given.data_dir, given.answers))
        patients += [record.patient_id] * len(told[-1]["labels"])
        print(record.record_id, len(told[-1]["labels"]), flush=True)
    labels, answers, found = (np.concatenate([one[name] for one in told]) for name in ("labels", "answers", "found"))
    patients = np.array(patients)
    print(f"beats {len(labels)}, QRS within 75 ms of the mark {found.mean():.4f}")
    apart = ~np.isin(patients, list(SAME_PATIENT.values()))
    for words, rows in (("DS2", np.ones(len(labels), bool)), ("DS2 without 202", apart)):
        figures, table = judged(labels[rows], answers[rows], patients[rows].tolist())
        shown = [interval_text(figures[name]) for name in ("accuracy", "f1/V", "f1/S", "f1/F")]
        print(f"| {words} | {rows.sum():,}, {len(set(patients[rows]))} | {' | '.join(shown)} |")
        for name, line in zip(AAMI, table, strict=True):
            cells = [interval_text(figures[f"{key}/{name}"]) for key in ("sensitivity", "ppv", "f1")]
            print(f"| {name} | {' | '.join(f'{count:,}' for count in line)} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
