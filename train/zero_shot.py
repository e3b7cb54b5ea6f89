"""Judges dual encoders by prompts, beside the supervised classifier of the same budget and the random encoder.

    python train/zero_shot.py --model OUT0 OUT1 OUT2 --data PARQUET --prompts ptb_xl_superdiagnostic ptb_xl_form \
        --supervised BCE0 BCE1 BCE2 --random --folds 9,10 --output results.json

--ensemble adds FG-CLEP's: a prompt counts as its best among "X" and "X in lead L" over the twelve leads.
Several model folders are seeds of one model. Writes results.json and results.md.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.data.corpus import load_corpus
from hf_ecg.evaluation.judging.features import classifier_logits, ecg_embeddings, with_random_ecg_tower
from hf_ecg.evaluation.judging.label_text import TextEmbeddings, match_labels, scores_of_embeddings
from hf_ecg.evaluation.judging.validation import LEAVE_OUT, UNANNOTATED, task_labels
from hf_ecg.evaluation.loading import (
    budget_notes,
    check_label_sets,
    describe_seeds,
    facts_for_evaluation,
    load_classifier,
    load_dual_encoder,
    pick_device,
)
from hf_ecg.evaluation.metrics.bootstrap import REPLICATES, bootstrap_evaluation
from hf_ecg.evaluation.metrics.classification import MINIMUM_COUNT
from hf_ecg.evaluation.protocol import LABEL_TEXT, ZERO_SHOT, parse_folds, task_protocol
from hf_ecg.evaluation.reports.evaluation_report import (
    check_report_path,
    render,
    report_frame,
    task_entry,
    write_report,
)

MODEL, SUPERVISED, RANDOM = "prompts", "BCE classifier", "random encoder"
ENSEMBLE = " ensemble"  # ends the name of a system


def main(arguments: list[str] | None = None) -> dict:
    args = parse_arguments(arguments)
    device = pick_device(args.device)
    folds = parse_folds(args.folds)
    check_report_path(args.output)
    prompt_sets = [load_prompts(name) for name in args.prompts]
    facts = facts_for_evaluation(args.model, args.config, folds, args.allow_training_folds)
    companion_facts = facts_for_evaluation(args.supervised, args.config, folds, args.allow_training_folds)
    check_label_sets(args.supervised, companion_facts, [p.label_set for p in prompt_sets])
    words = [task_protocol(facts, prompt_set, args.config, args.protocol) for prompt_set in prompt_sets]
    dataset = load_corpus(args.data, config=args.config, folds=folds)
    tasks = [
        task_labels(dataset, p.label_set, list(p.classes), args.minimum, p.name, args.unannotated) for p in prompt_sets
    ]

    # system -> one list of score matrices (a task each) for every seed
    scores: dict[str, list[list[np.ndarray]]] = {}
    for index, folder in enumerate(args.model):
        model, processor = load_dual_encoder(folder, device)
        texts = TextEmbeddings(model, processor, f"{folder}, texts")
        towers = {MODEL: model}
        if args.random:
            towers[RANDOM] = with_random_ecg_tower(model, args.seed + index)
        for name, tower in towers.items():
            embeddings = ecg_embeddings(tower, processor, dataset, args.batch_size, f"{folder}, {name}")
            for ensemble in (False, True) if args.ensemble else (False,):
                one = [
                    scores_of_embeddings(tower, processor, embeddings[rows], prompt_set, ensemble, texts)
                    for prompt_set, (_, rows) in zip(prompt_sets, tasks, strict=True)
                ]
                scores.setdefault(name + ENSEMBLE * ensemble, []).append(one)
    for folder in args.supervised:
        model, extractor = load_classifier(folder, device)
        columns = [match_labels(model.config.id2label, list(p.classes), p.label_set) for p in prompt_sets]
        logits = classifier_logits(model, extractor, dataset, args.batch_size, folder)
        one = [logits[rows][:, picked] for picked, (_, rows) in zip(columns, tasks, strict=True)]
        scores.setdefault(SUPERVISED, []).append(one)

    systems = (MODEL, MODEL + ENSEMBLE, SUPERVISED, RANDOM, RANDOM + ENSEMBLE)
    order = [name for name in systems if name in scores]
    pairs = [(MODEL, name) for name in order if name in (SUPERVISED, RANDOM)]
    if args.ensemble:
        ensemble = MODEL + ENSEMBLE
        pairs += [(ensemble, name) for name in order if name in (MODEL, SUPERVISED, RANDOM + ENSEMBLE)]
    entries = []
    for number, (prompt_set, (labels, rows)) in enumerate(zip(prompt_sets, tasks, strict=True)):
        patients = dataset.select_columns("patient_id").select(rows)["patient_id"]
        systems = {
            name: bootstrap_evaluation(
                labels,
                np.stack([one[number] for one in scores[name]]),
                patients,
                list(prompt_set.classes),
                replicates=args.bootstrap,
                seed=args.seed,
                minimum=args.minimum,
            )
            for name in order
        }
        word, class_words = words[number]
        entries.append(
            task_entry(
                prompt_set.name,
                word,
                systems,
                pairs,
                label_set=prompt_set.label_set,
                aggregate=prompt_set.aggregate,
                language=prompt_set.language,
                prompts=prompt_set.classes,
                class_protocols=class_words,
                unannotated=args.unannotated,
            )
        )
    models = {MODEL: describe_seeds(args.model, facts)}
    if args.supervised:
        models[SUPERVISED] = describe_seeds(args.supervised, companion_facts)
    if args.random:
        models[RANDOM] = [{"folder": "drawn anew", "seed": args.seed + i} for i in range(len(args.model))]
    notes = budget_notes(facts, companion_facts)
    frame = report_frame("Classification by prompts", args, device, folds, [dataset["patient_id"]], models, notes)
    report = frame | {"tasks": entries}
    page = write_report(report, args.output)
    print(render(report))
    print(f"written: {args.output}, {page}")
    return report


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", required=True, help="folders of dual encoders, the seeds of one model")
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--prompts", nargs="+", required=True, help="names or YAML files of prompt sets")
    parser.add_argument("--folds", default="10", help="folds to evaluate, such as 9,10 or 1-8 (default: %(default)s)")
    parser.add_argument("--supervised", nargs="+", default=[], help="folders of classifiers of the same budget")
    parser.add_argument(
        "--unannotated",
        choices=UNANNOTATED,
        default=LEAVE_OUT,
        help="records without any statement of a label set: not judged, or without its classes; labelled judges only"
        " those with a class of the task (default: %(default)s)",
    )
    parser.add_argument(
        "--ensemble", action="store_true", help='also judge the best of "X" and "X in lead L" over the twelve leads'
    )
    parser.add_argument("--random", action="store_true", help="also evaluate with the ECG tower drawn anew")
    parser.add_argument("--protocol", choices=(LABEL_TEXT, ZERO_SHOT), help="refuse when the models cannot claim it")
    parser.add_argument("--allow_training_folds", action="store_true", help="evaluate folds models were trained on")
    parser.add_argument("--bootstrap", type=int, default=REPLICATES, help="replicates (default: %(default)s)")
    parser.add_argument("--minimum", type=int, default=MINIMUM_COUNT, help="positives and negatives a class needs")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap and of the random encoder")
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--device", help="cpu, cuda ... (default: the GPU when there is one)")
    parser.add_argument("--output", required=True, help="results.json; the Markdown page is written beside it")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
