"""A model and a corpus in; `calibration.json` and a report of what it is worth on other folds out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...data.corpus import find_config, load_corpus
from ...version import __version__
from ..judging.averaged_windows import averaged_windows_notes
from ..judging.linear_probe import require_disjoint
from ..judging.refused import note_refused, skip_refused
from ..loading import describe_seeds, facts_for_evaluation, pick_device
from ..metrics.bootstrap import patient_index
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions
from ..protocol import SUPERVISED, TrainingFacts, task_protocol
from ..reports.evaluation_report import command_line, report_frame
from ..weights import tensors_digest, weights_digest
from .asked_model import load_asked
from .asked_tasks import asked_tasks, column_of, plain_probabilities, task_labels, task_logits
from .calibrated_tasks import CalibrationOptions, CalibrationRows, calibrate_task
from .calibration_figures import BEFORE, judge_methods, judge_task
from .calibration_file import CalibratedTask, Calibration
from .method_choice import best_method, classes_with_maps, fit_maps, held_out_losses, log_loss
from .outliers import ENERGY, MAHALANOBIS, Outliers, energy, fit_outliers, outlier_threshold
from .probability_maps import METHODS, PLATT, TEMPERATURE, probabilities
from .strange_inputs import MADE, made_rows, numbers_of_any, rows_of, strangeness_figures

TITLE = "How sure the answers are"
SYSTEM = "calibrated"
SPLITS = (TRAIN, CALIBRATION, TEST) = ("train", "calibration", "test")
MOST_OTHERS = 500


@dataclass(frozen=True)
class StrangeInputs:
    """What strange inputs are told by, beside those that are made.

    Args:
        corpora: name -> folder of a prepared corpus.
        recordings: folder of the Noise Stress Test Database; None simulates noise.
        most: rows of each.
    """

    corpora: Mapping[str, str] = field(default_factory=dict)
    recordings: str | None = None
    most: int = MOST_OTHERS


AS_USUAL, MADE_ALONE = CalibrationOptions(), StrangeInputs()


def calibrate_model(
    model: str,
    data: str,
    *,
    folds: Mapping[str, list[int]],
    label_sets: Sequence[str] = (),
    prompts: Sequence[str] = (),
    config: str | None = None,
    lead: str | None = None,
    options: CalibrationOptions = AS_USUAL,
    strange: StrangeInputs = MADE_ALONE,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> tuple[Calibration, dict]:
    """Calibrates the answers of a model on some folds and judges them on others.

    Args:
        model: folder, packaged name or Hub id of a classifier, or of a model of ECGs and texts.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        folds: "train", whose embeddings say what is ordinary; "calibration"; and "test".
        label_sets: of a classifier; default: those that it was trained on.
        prompts: names or files of prompt sets, of a model of ECGs and texts.
        lead: for a model of a single lead, the one that it is to see.
        options: what is fitted and chosen.
        strange: what strange inputs are told by.
        allow_training_folds: also calibrate and judge on folds that the weights have seen.
        intervals, forward: see there.

    Returns:
        The calibration, for `write_calibration`, and the report.

    Raises:
        ValueError: a model without classes, folds that the weights have seen, one fold or patient in two splits, fewer
            than 20 rows, no class with enough rows.
        OSError: the model or a corpus is not there.

    Example:
        >>> from hf_ecg.evaluation.calibration.calibration_run import calibrate_model
        >>> folds = {"train": [1, 2, 3, 4, 5, 6, 7], "calibration": [8], "test": [9, 10]}
        >>> found, report = calibrate_model("out/bce", "corpus", folds=folds)  # doctest: +SKIP
    """
    config = find_config(data, config)
    require_disjoint(dict(folds), "folds")
    facts = _facts(model, config, folds, allow_training_folds)
    asked = load_asked(model, pick_device(forward.device), lead)
    tasks = asked_tasks(asked, facts, data, config, label_sets, prompts)
    if asked.asked_in_words and options.ood == ENERGY:
        raise ValueError(f"ood is {ENERGY!r}, which is of the logits of a classifier; of this model: {MAHALANOBIS!r}")
    splits = {
        name: load_corpus(data, config=config, folds=folds[name], keep_unusable=forward.strict) for name in SPLITS
    }
    people = {name: column_of(splits[name], "patient_id") for name in (CALIBRATION, TEST)}
    for names in people.values():
        patient_index(names, len(names))
    require_disjoint(people)

    def judge(rows: Mapping) -> tuple[dict, dict]:
        return dict(rows), {name: asked.numbers(part, forward, f"{model}, {name}") for name, part in rows.items()}

    (rows, numbers), refused = skip_refused(judge, splits, forward.strict)
    logits = {name: task_logits(asked, tasks, answers) for name, (answers, _) in numbers.items()}
    made, entries = {}, []
    for task in tasks:
        made[task.name], entry = _calibrated(asked, task, rows, logits, options, intervals, facts, config)
        entries.append(entry)
    outliers, strangeness = _strangeness(asked, tasks, rows, numbers, logits, options, strange, intervals, forward)
    notes = [*_selection_note(facts, config, folds), *forward.notes()]
    notes += averaged_windows_notes([model], rows[TEST], forward.crops)
    described = {SYSTEM: describe_seeds([model], [facts])}
    patients = [column_of(rows[name], "patient_id") for name in SPLITS]
    frame = report_frame(
        TITLE, data, config, intervals, pick_device(forward.device), dict(folds), patients, described, notes
    )
    report = frame | {"options": vars(options).copy(), "tasks": entries, "strangeness": strangeness}
    told = {
        "corpus": Path(str(data)).name,
        "config": config,
        "folds": dict(folds),
        "records": {name: len(part) for name, part in rows.items()},
        "seed": intervals.seed,
        "lead": lead,
        "hf_ecg": __version__,
        "command": command_line(),
    }
    digest = weights_digest(model) or tensors_digest(asked.model)
    return Calibration(digest, told, made, outliers), note_refused(report, refused)


def _facts(model: str, config: str, folds: Mapping, allowed: bool) -> TrainingFacts | None:
    """Training facts, after refusing to judge on folds that the weights depend on, or to calibrate on trained ones."""
    (facts,) = facts_for_evaluation([model], config, list(folds[TEST]), allowed)
    trained = sorted(facts.folds(config)[0] & set(folds[CALIBRATION])) if facts else []
    if trained and not allowed:
        raise ValueError(
            f"{model} was trained on folds {trained} of those to calibrate on, where it is surer than on new records:"
            " --allow_training_folds does it all the same"
        )
    return facts


def _selection_note(facts: TrainingFacts | None, config: str, folds: Mapping) -> list[str]:
    if facts is None:
        return ["training facts are absent: whether the weights have seen these folds is not known"]
    trained, selected = facts.folds(config)
    notes = []
    if seen := sorted(trained & {*folds[CALIBRATION], *folds[TEST]}):
        notes.append(f"the weights were trained on folds {seen}: they are surer there, and these figures flatter")
    if chosen := sorted(selected & set(folds[CALIBRATION])):
        notes.append(f"folds {chosen} also chose the epoch, so that scores there are a little better than on new ones")
    return notes


def _calibrated(asked, task, rows, logits, options, intervals, facts, config) -> tuple[CalibratedTask, dict]:
    judged = {name: task_labels(asked.kind, task, rows[name]) for name in (CALIBRATION, TEST)}
    for name, (_, there) in judged.items():
        if not len(there):
            raise ValueError(f"{task.name}: none of the {len(rows[name])} {name} rows is annotated")
    labels, places = judged[CALIBRATION]
    patients = column_of(rows[CALIBRATION], "patient_id")
    fitted = CalibrationRows(labels, logits[CALIBRATION][task.name][places], [patients[place] for place in places])
    losses = held_out_losses(asked.kind, labels, fitted.scores, fitted.patients, intervals.minimum)
    method = options.method or best_method(losses, PLATT if asked.asked_in_words else TEMPERATURE)
    texts = [task.prompts.classes[name] for name in task.names] if task.prompts else []
    aggregate = task.prompts.aggregate if task.prompts else None
    calibrated, remarks = calibrate_task(
        asked.kind, task.label_set, task.labels, fitted, method, options, intervals.minimum, texts, aggregate
    )
    labels, places = judged[TEST]
    scores = logits[TEST][task.name][places]
    everybody = column_of(rows[TEST], "patient_id")
    patients = [everybody[place] for place in places]
    patient_index(patients, len(patients))
    enough = np.minimum(labels.sum(axis=0), len(labels) - labels.sum(axis=0)) >= intervals.minimum
    mapped = classes_with_maps(asked.kind, fitted.labels, intervals.minimum)
    counted = [place for place in mapped if enough[place]]
    if not counted:
        raise ValueError(
            f"{task.name}: no class has {intervals.minimum} positives and negatives both in the calibration rows and"
            " in the test rows (--minimum)"
        )
    raw = plain_probabilities(asked, scores)
    entry = judge_task(calibrated, labels, scores, raw, patients, counted, options, intervals)
    before = plain_probabilities(asked, fitted.scores)
    losses = {BEFORE: log_loss(asked.kind, fitted.labels, before, mapped)} | losses
    if losses[BEFORE] <= losses[method]:
        remarks.append(
            f"on patients that its maps have not seen, {method} has no less log loss than the scores had before:"
            " calibrating gains nothing here"
        )
    compared = {BEFORE: raw}
    for one in METHODS:
        maps = fit_maps(asked.kind, fitted.labels, fitted.scores, one, intervals.minimum)
        compared[one] = probabilities(asked.kind, maps, scores)
    methods = judge_methods(asked.kind, labels, compared, patients, counted, intervals)
    methods = {one: {"held_out_log_loss": losses[one]} | methods[one] for one in compared}
    word = SUPERVISED if task.prompts is None else task_protocol([facts], task.prompts, config)[0]
    names = {one.label for one in calibrated.classes}
    told = {"name": task.name, "label_set": task.label_set, "kind": asked.kind, "method": method, "protocol": word}
    told |= {"fitted_records": len(fitted.labels), "remarks": remarks, "methods": methods}
    told["method_chosen"] = options.method is None
    return calibrated, told | entry | {"not_judged": sorted(names - set(entry["classes"]))}


def _strangeness(asked, tasks, rows, numbers, logits, options, strange, intervals, forward) -> tuple[Outliers, dict]:
    """What tells strange inputs, and how well it does."""
    fitted = fit_outliers(numbers[TRAIN][1])

    def scores(answers: np.ndarray, embeddings: np.ndarray) -> dict[str, np.ndarray]:
        told = {MAHALANOBIS: fitted.distance(embeddings)}
        if asked.asked_in_words:  # its logits are those of the texts that somebody asks about
            return told
        every = np.concatenate([answers[:, task.columns] for task in tasks], axis=1)
        return told | {ENERGY: energy(asked.kind, every)}

    calibration, ordinary = (scores(*numbers[name]) for name in (CALIBRATION, TEST))
    threshold = outlier_threshold(calibration[options.ood], options.expected)
    patients = column_of(rows[TEST], "patient_id")
    like = rows_of(rows[TEST], strange.most, intervals.seed)
    inputs = {kind: made_rows(kind, like, intervals.seed, strange.recordings) for kind in MADE}
    for name, path in strange.corpora.items():
        inputs[name] = rows_of(load_corpus(path), strange.most, intervals.seed)
    judged = {}
    for name, some in inputs.items():
        answers, embeddings, kept = numbers_of_any(asked, some, forward.batch_size)
        judged[name] = {"rows": len(some), "refused": len(some) - len(kept)}
        if kept:
            others = [f"{name} {some[place]['patient_id']}" for place in kept]
            given = scores(answers, embeddings), patients, others, threshold, options.ood, intervals
            judged[name] |= strangeness_figures(ordinary, *given)
    above = float((ordinary[options.ood] > threshold).mean())
    told = {"method": options.ood, "expected": options.expected, "threshold": threshold, "test_above_threshold": above}
    own = {"threshold": threshold, "expected": options.expected, "method": options.ood}
    statistics = vars(fitted) if options.ood == MAHALANOBIS else {}
    return Outliers(**(dict(statistics) | own)), told | {"inputs": judged}
