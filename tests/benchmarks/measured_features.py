"""What the measured verifier sees: its score for a feature against the statements of the cardiologists.

    python tests/benchmarks/measured_features.py CORPUS [--measurements FILE] [--folds 9 10]

CORPUS is what `dataset_scripts/ptb_xl.py` wrote. Each feature is asked of every record; a record is a positive when it
has one of the feature's statements. Statements are not exhaustive: a prolonged PR that nobody wrote down is a negative
here, so average precision and precision are lower bounds. Records of which the measurements decide nothing rank
lowest. Intervals: 1,000 draws of patients.

Not everything here was set without these labels. The rules' bounds are published ones or chosen without a search. The
shares at which QRS and P begin were chosen among four settings by the medians of normal records, on simulated records
and on 300 to 400 records of the folds 1 to 8, while the AUROCs of CLBBB, CRBBB, IVCD and 1AVB were in sight; the rule
of premature wide beats was changed after looking at the labels of all folds. Figures of these features are a little
flattered, those of premature beats on any fold, the others on the folds 1 to 8.
"""

import argparse
import pickle
import time
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from hf_ecg.clinical.feature_rules.measured import measured_verdicts
from hf_ecg.data.corpus import label_matrix, label_names, load_corpus
from hf_ecg.data.rows import RowDataset
from hf_ecg.evaluation.metrics.bootstrap import bootstrap_evaluation
from hf_ecg.signals import counts_to_millivolts
from hf_ecg.signals.delineation import Measurements, measure_ecg

# A feature and the statements that say it, or whose criteria ask for it.
FEATURES = (
    ("prolonged PR interval (over 200 ms)", ("1AVB", "LPR")),
    ("wide QRS complex (120 ms or more)", ("CLBBB", "CRBBB")),
    ("QRS duration over 110 ms", ("IVCD",)),
    ("absent P waves", ("AFIB",)),
    ("irregular RR intervals", ("AFIB", "SARRH")),
    ("heart rate over 100 beats per minute", ("STACH",)),
    ("heart rate below 60 beats per minute", ("SBRAD",)),
    ("premature wide QRS complex", ("PVC",)),
    ("premature narrow QRS complex", ("PAC",)),
    ("QRS amplitude below 0.5 mV in all limb leads", ("LVOLT",)),
    ("S wave in lead V1 plus R wave in lead V5 or V6 over 3.5 mV", ("VCLVH", "LVH")),
    ("R wave in lead aVL plus S wave in lead V3 over 2.8 mV", ("VCLVH", "LVH")),
    ("ST depression in two or more contiguous leads", ("STD_",)),
    ("inverted T waves in two or more contiguous leads", ("INVT",)),
    ("flat or low T waves in two or more contiguous leads", ("LOWT",)),
    ("pathological Q waves in two or more contiguous leads", ("QWAVE",)),
    ("pathological Q waves in leads II, III and aVF", ("IMI",)),
    ("small or absent R waves in leads V1 to V3", ("ASMI",)),
    ("frontal QRS axis between -45 and -90 degrees", ("LAFB",)),
    ("rSR' complex in leads V1 and V2", ("CRBBB", "IRBBB")),
    ("delayed R peak (over 60 ms) in leads V5 and V6", ("CLBBB",)),
    ("P waves of 120 ms or longer", ("LAO/LAE",)),
    ("prolonged QT interval (QTc over 460 ms)", ("LNGQT",)),
)
LEAST_POSITIVES = 20


def measure_corpus(rows) -> list[Measurements]:
    """In the order of the rows; prints the processor time of one."""
    records = RowDataset(rows)
    found, start = [], time.process_time()
    for number in tqdm(range(len(records)), desc="measuring", unit="record"):
        row = records[number]
        counts = np.asarray(row["signal"]).reshape(len(row["leads"]), -1)
        signal = counts_to_millivolts(counts, row["gain"], row["baseline"])
        found.append(measure_ecg(signal, row["sampling_rate"], row["leads"]))
    print(f"{1000 * (time.process_time() - start) / len(records):.1f} ms of one core a record\n")
    return found


def table(measurements, labels, names, patients, replicates: int, least: int):
    """Lines of Markdown, one a feature with enough positives."""
    yield "| feature | statements | positives | base rate | AUROC | average precision | undecided | kept |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for feature, codes in FEATURES:
        positive = labels[:, [names.index(code) for code in codes]].any(axis=1)
        if positive.sum() < least:
            yield f"| {feature} | {' '.join(codes)} | {positive.sum()} | fewer than {least} | | | | |"
            continue
        verdicts = [measured_verdicts(found, [feature])[0] for found in measurements]
        undecided = np.array([verdict.verdict == "undecided" for verdict in verdicts])
        scores = np.array([np.nan if verdict.score is None else verdict.score for verdict in verdicts])
        if np.isnan(scores).all():
            yield f"| {feature} | {' '.join(codes)} | {positive.sum()} | decided in no record | | | | |"
            continue
        scores = np.where(np.isnan(scores), np.nanmin(scores) - 1, scores)
        kept = np.array([verdict.keep for verdict in verdicts])
        result = bootstrap_evaluation(positive[:, None], scores[:, None], patients, [feature], replicates=replicates)
        one = result.classes[feature]
        auroc, precision = (f"{x.value:.3f} ({x.low:.3f} to {x.high:.3f})" for x in (one.auroc, one.auprc))
        yield (
            f"| {feature} | {' '.join(codes)} | {positive.sum()} | {positive.mean():.3f} | {auroc} | {precision} |"
            f" {undecided.mean():.1%} | {(kept & positive).sum()} of them, {kept.sum()} in all |"
        )


def main(argv=None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--folds", type=int, nargs="+")
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--least_positives", type=int, default=LEAST_POSITIVES)
    parser.add_argument("--measurements", type=Path, help="pickle of your own making: read when there, else written")
    arguments = parser.parse_args(argv)
    rows = load_corpus(arguments.corpus)
    if arguments.measurements and arguments.measurements.is_file():
        measurements = pickle.loads(arguments.measurements.read_bytes())
    else:
        measurements = measure_corpus(rows)
        if arguments.measurements:
            arguments.measurements.write_bytes(pickle.dumps(measurements))
    labels, _ = label_matrix(rows, "all")
    folds, patients = np.array(rows["fold"][:]), rows["patient_id"][:]
    chosen = np.flatnonzero(np.isin(folds, arguments.folds)) if arguments.folds else np.arange(len(folds))
    lines = table(
        [measurements[row] for row in chosen],
        labels[chosen],
        label_names(rows, "all"),
        [patients[row] for row in chosen],
        arguments.replicates,
        arguments.least_positives,
    )
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    main()
