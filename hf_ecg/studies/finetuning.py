"""Fine-tuning on labels or numbers of a corpus, judged on test folds; with its companions, or lead by lead."""

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from accelerate import PartialState
from transformers import AutoFeatureExtractor

from ..cards import CARD_NAME
from ..data.corpus import label_matrix, load_corpus
from ..data.corpus_card import read_summary
from ..evaluation.judging.linear_probe import require_disjoint
from ..evaluation.judging.refused import note_refused, skip_refused
from ..evaluation.judging.supervised import MULTI_LABEL, RANDOM, REGRESSION, SINGLE_LABEL, SURVIVAL, SupervisedJudge
from ..evaluation.loading import describe_seeds, facts_for_evaluation, pick_device
from ..evaluation.options import DEFAULT_INTERVALS, IntervalOptions
from ..evaluation.protocol import TrainingFacts, read_training_facts
from ..evaluation.reports.evaluation_report import report_frame, write_report
from ..files import atomic_file
from ..locks import output_lock
from ..training import pretrain
from ..training.finetune import finetuning_recipe, lead_sets
from ..training.network import resolve_pretrained
from ..training.recipe import Recipe
from ..training.run_card import model_card, read_run
from ..training.run_folder import check_output
from .source_overrides import source_overrides

REPORT = "finetune.json"
# How long a run that is resumed waits for what is left of the one before.
_SECONDS_TO_END = 10.0
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Finetuning:
    """What is trained and judged.

    Args:
        model: encoder to begin with: OUT/encoder, or a Hub id.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        output_dir: folder of the run, and of finetune.json, finetune.md and scores.csv.
        folds: "train", "validation" (chooses the epoch only) and "test" (read once, at the end).
        problem: "multi_label", "single_label", "regression" or "survival"; None: "regression" with targets, else
            "multi_label".
        label_sets: of the corpus.
        targets: columns of numbers for a regression; time and event for survival.
        frozen: train the head alone.
        leads: leads to use; None: all of the encoder's.
        lead_table: a run for each set of leads: I, II, V5, I+II, limb, twelve leads.
        random: also the same network from weights drawn anew, with the same budget.
        metric: that chooses the epoch of labels, and that the summary shows: "auroc" or "auprc"; None is the
            problem's own.
        percent: train on that share of the training patients, drawn by the seed.
        covariates: columns of numbers, and `sex`, that the head is told beside the waveform.
        intervals: see there; the seed is that of head, order and views too.
        overrides: `section.key=value` of the recipe.
    """

    model: str
    data: str
    output_dir: str | Path
    folds: Mapping[str, list[int]]
    config: str | None = None
    problem: str | None = None
    label_sets: Sequence[str] = ()
    targets: Sequence[str] = ()
    frozen: bool = False
    leads: Sequence[str] | None = None
    lead_table: bool = False
    random: bool = False
    metric: str | None = None
    percent: float | None = None
    covariates: Sequence[str] = ()
    intervals: IntervalOptions = DEFAULT_INTERVALS
    overrides: Sequence[str] = ()


@dataclass
class System:
    """One model to train and judge."""

    name: str
    folder: Path
    recipe: Recipe
    leads: Sequence[str] | None


def finetune(
    asked: Finetuning, *, resume: bool = False, overwrite: bool = False, allow_training_folds: bool = False
) -> dict | None:
    """Trains every system and writes the report; the epoch with the best figure on the validation folds is kept.

    Args:
        asked: see there.
        resume: go on from the last checkpoints.
        overwrite: throw away an earlier run.
        allow_training_folds: test on folds that the encoder was trained on.

    Returns:
        The report; None in all processes but the first.

    Raises:
        ValueError: splits that share folds or patients, folds of the training, labels, leads or targets that do not
            fit, an output folder around the model.
        OSError: model or corpus is not there, or the folder holds a run, or another process writes it.
    """
    # the first process writes for all of them
    lock = output_lock(asked.output_dir, _SECONDS_TO_END if resume else 0.0) if _is_first() else nullcontext()
    with lock:
        return _finetune(_completed(asked), resume, overwrite, allow_training_folds)


def _is_first() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _finetune(asked: Finetuning, resume: bool, overwrite: bool, allow_training_folds: bool) -> dict | None:
    output = Path(asked.output_dir)
    source = resolve_pretrained(asked.model)
    if Path(source).is_dir() and Path(source).resolve().is_relative_to(output.resolve()):
        raise ValueError(f"the model {asked.model} is inside the output folder {output}, wanted another one")
    facts = facts_for_evaluation([source], asked.config, asked.folds["test"], allow_training_folds)[0]
    systems = plan_systems(asked)
    if _is_first():  # another process may come here when the first one has begun to write
        for system in systems:
            check_output(system.folder, resume, overwrite, [source, asked.data])
    strict = systems[0].recipe.run.strict
    rows = {
        split: load_corpus(asked.data, config=asked.config, folds=asked.folds[split], keep_unusable=strict)
        for split in SPLITS
    }
    patients = {split: dataset.select_columns("patient_id")["patient_id"][:] for split, dataset in rows.items()}
    require_disjoint(patients)
    tasks = list(asked.targets if asked.problem in (REGRESSION, SURVIVAL) else asked.label_sets)
    SupervisedJudge(rows["test"], asked.problem, tasks, asked.intervals)  # says what is wrong before training
    for system in systems:
        pretrain(system.recipe, system.folder, resume, overwrite, disconnect=system is systems[-1])
    if not PartialState().is_main_process:
        return None
    device = pick_device(None)
    judging = partial(_scores, asked, tasks, systems, device)
    (judge, scores), refused = skip_refused(judging, {"test": rows["test"]}, strict)
    described = {
        system.name: describe_seeds([str(system.folder)], [read_training_facts(system.folder)]) for system in systems
    }
    frame = report_frame(
        "Fine-tuning, lead by lead" if asked.lead_table else "Fine-tuning",
        asked.data,
        asked.config,
        asked.intervals,
        device,
        dict(asked.folds),
        list(patients.values()),
        described,
        _notes(asked, facts, rows["train"]),
    )
    tasks = judge.tasks(scores, rows["train"])
    if asked.metric is not None:
        tasks = [task | {"primary_metric": asked.metric} for task in tasks]
    report = frame | {"runs": [_run_entry(system) for system in systems], "tasks": tasks}
    report = note_refused(report, refused)
    write_report(report, output / REPORT)
    for system in systems:
        with atomic_file(system.folder / CARD_NAME) as file:
            file.write(model_card(system.folder, [output / REPORT]))
    return report


def _scores(asked: Finetuning, tasks: list[str], systems: list[System], device, splits: Mapping) -> tuple:
    judge = SupervisedJudge(splits["test"], asked.problem, tasks, asked.intervals)
    return judge, {one.name: judge.scores(one.folder, device, f"{one.name}, test") for one in systems}


def plan_systems(asked: Finetuning) -> list[System]:
    """The models to train: one, or one for each set of leads; beside each its companion from random weights.

    Raises:
        ValueError: folds or seed among the overrides, or what `finetuning_recipe` refuses.
    """
    output = Path(asked.output_dir)
    sets = {"frozen encoder" if asked.frozen else "fine-tuned": (asked.leads, output)}
    if asked.lead_table:
        extractor = AutoFeatureExtractor.from_pretrained(resolve_pretrained(asked.model))
        sets = {key: (leads, output / key.replace(" ", "_")) for key, leads in lead_sets(extractor).items()}
    folds = {split: asked.folds[split] for split in ("train", "validation")}
    given = [*source_overrides(asked.data, asked.config, folds), f"run.seed={asked.intervals.seed}"]
    systems = []
    for key, (leads, folder) in sets.items():
        for random in (False, True) if asked.random else (False,):
            recipe = finetuning_recipe(
                asked.model,
                asked.problem,
                list(asked.label_sets),
                list(asked.targets),
                leads=leads,
                frozen=asked.frozen,
                random=random,
                minimum=asked.intervals.minimum,
                metric=asked.metric,
                percent=asked.percent,
                covariates=list(asked.covariates),
                overrides=[*given, *asked.overrides],
            )
            found = recipe.data.only_source("fine-tuning").folds
            if [found.train, found.validation, recipe.run.seed] != [*folds.values(), asked.intervals.seed]:
                raise ValueError("folds and seed are --train_folds, --validation_folds and --seed, not overrides")
            suffix, inside = (RANDOM, folder / "random") if random else ("", folder)
            systems.append(System(f"{key}{suffix}", inside, recipe, leads))
    return systems


def _completed(asked: Finetuning) -> Finetuning:
    require_disjoint(asked.folds, "folds")
    problem = asked.problem or (REGRESSION if asked.targets else MULTI_LABEL)
    return replace(asked, problem=problem, config=asked.config or read_summary(asked.data).get("config"))


def _run_entry(system: System) -> dict:
    """What a report tells of one training run."""
    run = read_run(system.folder)
    return {
        "system": system.name,
        "leads": None if system.leads is None else list(system.leads),
        "frozen": bool(system.recipe.freeze),
        "epochs": system.recipe.run.epochs,
        "learning_rate": system.recipe.optimizer.lr,
        "train_records": run["num_records"],
        "best_epoch": run["best_epoch"],
        "validation": run["best_metrics"],
    }


def _notes(asked: Finetuning, facts: TrainingFacts | None, train) -> list[str]:
    """What a reader must know beside the figures."""
    notes = _notes_of_pretraining(facts, asked.config)
    if asked.problem == SINGLE_LABEL:
        matrix, annotated = label_matrix(train, asked.label_sets[0])
        several = float((matrix[annotated].sum(axis=1) != 1).mean())
        notes.append(
            f"single-label: only records with exactly one class of {asked.label_sets[0]}, in training and test;"
            f" {several:.0%} of the annotated training records have several or none"
        )
    if asked.percent is not None:
        notes.append(f"trained on {asked.percent:g} % of the training patients, drawn by the seed")
    if asked.covariates:
        notes.append(f"the head is told {', '.join(asked.covariates)} beside the waveform")
    if "age" in [*asked.targets, *asked.covariates]:
        notes.append("ages over 89 stand as 90 in a corpus")
    if asked.lead_table:
        notes.append("one run for each set of leads, of the same network, budget and seed; absent leads are zero")
        notes.append(
            "I+II is these two leads and no other, although the other four of the limbs follow from them; what a"
            " device of I and II can have by that derivation is the row of the six limb leads"
        )
    elif asked.leads:
        notes.append(f"the model sees {', '.join(asked.leads)} alone")
    return notes


def _notes_of_pretraining(facts: TrainingFacts | None, config: str | None) -> list[str]:
    if facts is None:
        return ["what the encoder was pretrained on is not known, nor whether the test folds were among it"]
    notes = []
    if any(source.text_source and not source.original_reports for source in facts.of(config)):
        notes.append(
            "the encoder's training texts were made of the corpus's statements, so it has seen labels in words"
        )
    if risks := list(dict.fromkeys(source.risk for source in facts.sources if source.risk)):
        notes.append(
            f"the encoder's pretraining compared patients by {'; '.join(risks)}: a target that this number is made of"
            " was seen in pretraining"
        )
    return notes
