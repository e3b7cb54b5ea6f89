"""Fine-tune an encoder on labels or numbers of a corpus, judge it on test folds, and compare sets of leads.

    python train/finetune.py --model OUT/encoder --data PARQUET --label_set superdiagnostic --train_folds 1-7 \
        --validation_folds 8 --test_folds 9,10 --output_dir FINETUNED --random
    python train/finetune.py --model OUT/encoder --data PARQUET --problem regression --target age --lead I \
        --output_dir AGE [section.key=value ...]
    python train/finetune.py --model OUT/encoder --data PARQUET --label_set superdiagnostic --lead_table \
        --output_dir TABLE

The folder holds a run as `train/pretrain.py` leaves it, a classifier with its feature extractor, and finetune.json and
finetune.md (the report), and scores.csv of the test records. Beside it `random/` (--random): the same network from
weights drawn anew, with the same budget. With --lead_table, a folder for each set of leads.

The epoch with the best figure on the validation folds is kept; the test folds are read once, at the end.
"""

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # see train/pretrain.py
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a checkout works without installation

from accelerate import PartialState
from transformers import AutoFeatureExtractor

from hf_ecg.cards import CARD_NAME
from hf_ecg.data.corpus import label_matrix, load_corpus
from hf_ecg.data.corpus_card import read_summary
from hf_ecg.evaluation.judging.linear_probe import require_disjoint
from hf_ecg.evaluation.judging.supervised import (
    MULTI_LABEL,
    PROBLEMS,
    RANDOM,
    REGRESSION,
    SINGLE_LABEL,
    SupervisedJudge,
)
from hf_ecg.evaluation.loading import describe_seeds, facts_for_evaluation, pick_device
from hf_ecg.evaluation.metrics.bootstrap import REPLICATES
from hf_ecg.evaluation.metrics.classification import MINIMUM_COUNT
from hf_ecg.evaluation.protocol import parse_folds, read_training_facts
from hf_ecg.evaluation.reports.evaluation_report import render, report_frame, write_report
from hf_ecg.training import pretrain
from hf_ecg.training.finetune import finetuning_recipe, lead_sets
from hf_ecg.training.network import resolve_pretrained
from hf_ecg.training.recipe import Recipe, as_override
from hf_ecg.training.run_card import model_card, read_run
from hf_ecg.training.run_folder import check_output

REPORT = "finetune.json"
SPLITS = ("train", "validation", "test")


@dataclass
class System:
    """One model to train and judge."""

    name: str
    folder: Path
    recipe: Recipe
    leads: list[str] | None


def main(arguments: list[str] | None = None) -> dict | None:
    """Command line of the script; the report, None in all processes but the first."""
    args = parse_arguments(arguments)
    args.config = args.config or read_summary(args.data).get("config")
    folds = {split: parse_folds(getattr(args, f"{split}_folds")) for split in SPLITS}
    require_disjoint(folds, "folds")
    source, output = resolve_pretrained(args.model), Path(args.output_dir)
    if Path(source).is_dir() and Path(source).resolve().is_relative_to(output.resolve()):
        raise ValueError(f"--model {args.model} is inside --output_dir {output}, wanted another folder for the output")
    facts = facts_for_evaluation([source], args.config, folds["test"], args.allow_training_folds)[0]
    systems = plan(args, folds)
    if os.environ.get("RANK", "0") == "0":  # another process may come here when the first one has begun to write
        for system in systems:
            check_output(system.folder, args.resume == "latest", args.overwrite)
    rows = {split: load_corpus(args.data, config=args.config, folds=folds[split]) for split in SPLITS}
    patients = {split: dataset.select_columns("patient_id")["patient_id"][:] for split, dataset in rows.items()}
    require_disjoint(patients)
    tasks = args.target if args.problem == REGRESSION else args.label_set
    judge = SupervisedJudge(rows["test"], args.problem, tasks, args.bootstrap, args.seed, args.minimum)
    for system in systems:
        pretrain(
            *(system.recipe, system.folder, args.resume == "latest", args.overwrite), disconnect=system is systems[-1]
        )
    if not PartialState().is_main_process:
        return None
    device = pick_device(None)
    scores = {system.name: judge.scores(system.folder, device, f"{system.name}, test") for system in systems}
    title = "Fine-tuning, lead by lead" if args.lead_table else "Fine-tuning"
    models = {
        system.name: describe_seeds([str(system.folder)], [read_training_facts(system.folder)]) for system in systems
    }
    notes = notes_of(args, facts, rows["train"])
    frame = report_frame(title, args, device, folds, list(patients.values()), models, notes)
    report = frame | {"runs": [run_entry(system) for system in systems], "tasks": judge.tasks(scores, rows["train"])}
    page = write_report(report, output / REPORT)
    for system in systems:
        card = model_card(system.folder, [output / REPORT])
        (system.folder / CARD_NAME).write_text(card, encoding="utf-8")
    print(render(report))
    print(f"written: {output / REPORT}, {page}")
    return report


def plan(args: argparse.Namespace, folds: dict[str, list[int]]) -> list[System]:
    """The models to train: one, or one for each set of leads; beside each its companion from random weights."""
    output = Path(args.output_dir)
    name = "frozen encoder" if args.frozen else "fine-tuned"
    sets = {name: (args.leads, output)}
    if args.lead_table:
        extractor = AutoFeatureExtractor.from_pretrained(resolve_pretrained(args.model))
        sets = {key: (leads, output / key.replace(" ", "_")) for key, leads in lead_sets(extractor).items()}
    given = [
        *(as_override(f"data.{key}", value) for key, value in (("path", args.data), ("config", args.config))),
        *(f"data.folds.{split}={folds[split]}" for split in ("train", "validation")),
        f"run.seed={args.seed}",
    ]
    systems = []
    for key, (leads, folder) in sets.items():
        for random in (False, True) if args.random else (False,):
            recipe = finetuning_recipe(
                args.model,
                args.problem,
                args.label_set,
                args.target,
                leads=leads,
                frozen=args.frozen,
                random=random,
                minimum=args.minimum,
                overrides=[*given, *args.overrides],
            )
            train, validation = recipe.data.folds.train, recipe.data.folds.validation
            if [train, validation, recipe.run.seed] != [folds["train"], folds["validation"], args.seed]:
                raise ValueError("folds and seed are --train_folds, --validation_folds and --seed, not overrides")
            suffix, inside = (RANDOM, folder / "random") if random else ("", folder)
            systems.append(System(f"{key}{suffix}", inside, recipe, leads))
    return systems


def run_entry(system: System) -> dict:
    """What a report tells of one training run."""
    run = read_run(system.folder)
    return {
        "system": system.name,
        "leads": system.leads,
        "frozen": bool(system.recipe.freeze),
        "epochs": system.recipe.run.epochs,
        "learning_rate": system.recipe.optimizer.lr,
        "train_records": run["num_records"],
        "best_epoch": run["best_epoch"],
        "validation": run["best_metrics"],
    }


def notes_of(args: argparse.Namespace, facts, train) -> list[str]:
    """What a reader must know beside the figures."""
    notes = []
    if facts is None:
        notes.append("what the encoder was pretrained on is not known, nor whether the test folds were among it")
    elif any(source.text_source and not source.original_reports for source in facts.of(args.config)):
        notes.append(
            "the encoder's training texts were made of the corpus's statements, so it has seen labels in words"
        )
    risks = [] if facts is None else list(dict.fromkeys(source.risk for source in facts.sources if source.risk))
    if risks:
        notes.append(
            f"the encoder's pretraining compared patients by {'; '.join(risks)}: a target that this number is made of"
            " was seen in pretraining"
        )
    if args.problem == SINGLE_LABEL:
        matrix, annotated = label_matrix(train, args.label_set[0])
        several = float((matrix[annotated].sum(axis=1) != 1).mean())
        notes.append(
            f"single-label: only records with exactly one class of {args.label_set[0]}, in training and test;"
            f" {several:.0%} of the annotated training records have several or none"
        )
    if "age" in args.target:
        notes.append("ages over 89 stand as 90 in a corpus")
    if args.lead_table:
        notes.append("one run for each set of leads, of the same network, budget and seed; absent leads are zero")
        notes.append(
            "I+II is these two leads and no other, although the other four of the limbs follow from them; what a"
            " device of I and II can have by that derivation is the row of the six limb leads"
        )
    elif args.leads:
        notes.append(f"the model sees {', '.join(args.leads)} alone")
    return notes


def _names(text: str) -> list[str]:
    # no nargs: it would take the recipe's values, which may stand behind it, for names
    return [name.strip() for name in text.split(",")]


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="encoder to begin with: OUT/encoder, or a Hub id")
    parser.add_argument("--data", required=True, help="prepared corpus: a folder or a Hub id")
    parser.add_argument("--config", help="configuration of the corpus, such as ptb_xl_100hz")
    parser.add_argument("--problem", choices=PROBLEMS, help="default: multi_label, or regression with --target")
    parser.add_argument("--label_set", type=_names, default=[], help="of the corpus, such as superdiagnostic,rhythm")
    parser.add_argument("--target", type=_names, default=[], help="column of numbers for a regression, such as age")
    parser.add_argument("--train_folds", default="1-8")
    parser.add_argument("--validation_folds", default="9", help="choose the epoch only")
    parser.add_argument("--test_folds", default="10")
    parser.add_argument("--frozen", action="store_true", help="train the head alone")
    leads = parser.add_mutually_exclusive_group()
    leads.add_argument(
        "--lead",
        "--leads",
        dest="leads",
        type=_names,
        help="leads to use, such as I or I,II (default: all of the encoder's)",
    )
    leads.add_argument(
        "--lead_table", action="store_true", help="a run for each of I, II, V5, I+II, limb, twelve leads"
    )
    parser.add_argument("--random", action="store_true", help="also the same network from weights drawn anew")
    parser.add_argument("--allow_training_folds", action="store_true", help="test on folds the encoder was trained on")
    parser.add_argument("--bootstrap", type=int, default=REPLICATES, help="replicates (default: %(default)s)")
    parser.add_argument("--minimum", type=int, default=MINIMUM_COUNT, help="positives and negatives a class needs")
    parser.add_argument("--seed", type=int, default=0, help="of head, order, views and bootstrap")
    parser.add_argument("--output_dir", required=True, help="folder of the run")
    parser.add_argument("--resume", choices=["latest"], help="go on from the last checkpoint in the folder")
    parser.add_argument("--overwrite", action="store_true", help="throw away an earlier run in the folder")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="values that replace the recipe's")
    args = parser.parse_intermixed_args(arguments)
    if args.problem is None:
        args.problem = REGRESSION if args.target else MULTI_LABEL
    return args


if __name__ == "__main__":
    main()
