"""Linear probe of frozen encoders, beside the random encoder and the supervised classifier of the same budget.

    python train/linear_probe.py --model OUT0/encoder OUT1/encoder --data PARQUET --label_set superdiagnostic \
        --train_folds 1-7 --validation_folds 8 --test_folds 9,10 --fractions 1,10,100 --random \
        --supervised BCE0 BCE1 --output probe.json

Several model folders are seeds of one model. Writes probe.json and probe.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.data.corpus import label_names, load_corpus
from hf_ecg.evaluation.judging.features import ecg_features, random_model
from hf_ecg.evaluation.judging.label_text import classifier_scores
from hf_ecg.evaluation.judging.linear_probe import STRENGTHS, parse_percentages, require_disjoint
from hf_ecg.evaluation.judging.probe_task import probe_entry, probe_name, probe_pairs, probe_task, untrained_notes
from hf_ecg.evaluation.loading import (
    budget_notes,
    check_label_sets,
    describe_seeds,
    facts_for_evaluation,
    load_classifier,
    load_encoder,
    pick_device,
)
from hf_ecg.evaluation.metrics.bootstrap import REPLICATES, bootstrap_evaluation
from hf_ecg.evaluation.metrics.classification import MINIMUM_COUNT
from hf_ecg.evaluation.protocol import SUPERVISED, parse_folds
from hf_ecg.evaluation.reports.evaluation_report import (
    check_report_path,
    render,
    report_frame,
    task_entry,
    write_report,
)

PROBE, RANDOM, CLASSIFIER = "probe", "random encoder, probe", "BCE classifier"


def main(arguments: list[str] | None = None) -> dict:
    args = parse_arguments(arguments)
    device = pick_device(args.device)
    folds = {split: parse_folds(getattr(args, f"{split}_folds")) for split in ("train", "validation", "test")}
    require_disjoint(folds, "folds")
    percentages = parse_percentages(args.fractions)
    check_report_path(args.output)
    facts = facts_for_evaluation(args.model, args.config, folds["test"], args.allow_training_folds)
    companion_facts = facts_for_evaluation(args.supervised, args.config, folds["test"], args.allow_training_folds)
    check_label_sets(args.supervised, companion_facts, [args.label_set])

    splits = {split: load_corpus(args.data, config=args.config, folds=folds[split]) for split in folds}
    class_names = list(label_names(splits["test"], args.label_set))
    task = probe_task(splits, args.label_set, class_names, args.minimum)
    splits = {split: dataset.select(task.rows[split]) for split, dataset in splits.items()}
    labels, patients = task.labels["test"], task.patients

    scores: dict[str, list[np.ndarray]] = {}
    probes = []
    for index, folder in enumerate(args.model):
        encoder, extractor = load_encoder(folder, device)
        encoders = {PROBE: encoder}
        if args.random:
            encoders[RANDOM] = random_model(encoder, args.seed + index)
        for kind, each in encoders.items():
            features = {
                split: ecg_features(each, extractor, dataset, args.batch_size, f"{folder}, {kind}, {split}")
                for split, dataset in splits.items()
            }
            for percentage in percentages:
                result = task.fit(features, percentage, args.seed + index, args.strengths)
                system = probe_name(kind, percentage)
                scores.setdefault(system, []).append(result.scores)
                probes.append(probe_entry(system, folder, args.seed + index, result))
    for folder in args.supervised:
        classifier, extractor = load_classifier(folder, device)
        one = classifier_scores(
            classifier, extractor, splits["test"], class_names, args.label_set, args.batch_size, folder
        )
        scores.setdefault(CLASSIFIER, []).append(one)

    systems = {
        name: bootstrap_evaluation(
            labels,
            np.stack(seeds),
            patients["test"],
            class_names,
            replicates=args.bootstrap,
            seed=args.seed,
            minimum=args.minimum,
        )
        for name, seeds in sorted(scores.items(), key=lambda item: _rank(item[0]))
    }
    notes = budget_notes(facts, companion_facts) + untrained_notes(probes)
    models = {"probe": describe_seeds(args.model, facts)}
    if args.random:
        models["random encoder"] = [{"folder": "drawn anew", "seed": args.seed + i} for i in range(len(args.model))]
    if args.supervised:
        models[CLASSIFIER] = describe_seeds(args.supervised, companion_facts)
    pairs = probe_pairs(list(systems), percentages, PROBE, RANDOM, CLASSIFIER)
    entry = task_entry(args.label_set, SUPERVISED, systems, pairs, label_set=args.label_set)
    frame = report_frame("Linear probe", args, device, folds, list(patients.values()), models, notes)
    report = frame | {"probes": probes, "tasks": [entry]}
    page = write_report(report, args.output)
    print(render(report))
    print(f"written: {args.output}, {page}")
    return report


def _rank(system: str) -> tuple:
    kind = 2 if system == CLASSIFIER else int(system.startswith("random"))
    return kind, 0.0 if kind == 2 else -float(system.split()[-2])


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", required=True, help="encoder folders (OUT/encoder), seeds of one model")
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--label_set", default="superdiagnostic")
    parser.add_argument("--train_folds", default="1-8")
    parser.add_argument("--validation_folds", default="9", help="choose the strength only")
    parser.add_argument("--test_folds", default="10")
    parser.add_argument("--fractions", default="1,10,100", help="percentages of training patients")
    parser.add_argument("--strengths", type=float, nargs="+", default=list(STRENGTHS), help="values of C to try")
    parser.add_argument("--supervised", nargs="+", default=[], help="folders of classifiers of the same budget")
    parser.add_argument("--random", action="store_true", help="also probe the encoder with weights drawn anew")
    parser.add_argument("--allow_training_folds", action="store_true", help="test on folds the models were trained on")
    parser.add_argument("--bootstrap", type=int, default=REPLICATES, help="replicates (default: %(default)s)")
    parser.add_argument("--minimum", type=int, default=MINIMUM_COUNT, help="positives and negatives a class needs")
    parser.add_argument("--seed", type=int, default=0, help="of patient shares, random encoder and bootstrap")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    parser.add_argument("--output", required=True, help="probe.json; the Markdown page is written beside it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
