"""A model and a corpus in; a report of groups, gaps and leakage out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...data.corpus import find_config, load_corpus
from ..calibration.asked_model import load_asked
from ..calibration.asked_tasks import AskedTask, asked_tasks, column_of, task_labels, task_logits
from ..calibration.calibration_file import FILE_NAME, Calibration, read_calibration
from ..calibration.prediction_sets import check_share
from ..judging.averaged_windows import averaged_windows_notes
from ..judging.refused import note_refused, skip_refused
from ..loading import describe_seeds, facts_for_evaluation, pick_device
from ..metrics.classification import require_counted_classes
from ..options import DEFAULT_FORWARD, DEFAULT_INTERVALS, ForwardOptions, IntervalOptions
from ..protocol import SUPERVISED, task_protocol
from ..reports.evaluation_report import report_frame
from ..weights import weights_digest
from .group_figures import JudgedRows, audit_groups, common_cuts
from .groups import AGE_BANDS, record_groups
from .leakage import find_leakage

TITLE = "Audit: groups, gaps and leakage"
SYSTEM = "audited"
CALIBRATED, CHOSEN_HERE = "calibration.json", "these rows"


@dataclass(frozen=True)
class AuditOptions:
    """What is looked at.

    Args:
        extra: columns of the corpus beside sex, age, device and site, whose values are groups.
        age_bands: first ages of all bands but the youngest.
        sensitivity: of the one threshold at which groups are compared; that of `calibration.json` counts before.
        duplicates: also compare the waveforms of training and test records.
    """

    extra: tuple[str, ...] = ()
    age_bands: tuple[float, ...] = AGE_BANDS
    sensitivity: float = 0.9
    duplicates: bool = True

    def __post_init__(self):
        check_share("sensitivity", self.sensitivity)


AS_USUAL = AuditOptions()


def audit_model(
    model: str,
    data: str,
    *,
    folds: Sequence[int],
    label_sets: Sequence[str] = (),
    prompts: Sequence[str] = (),
    config: str | None = None,
    lead: str | None = None,
    options: AuditOptions = AS_USUAL,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """Compares a model over groups of records, and looks for test rows in its training.

    Args:
        model: folder, packaged name or Hub id of a classifier, or of a model of ECGs and texts.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        folds: judged.
        label_sets: of a classifier; default: those that it was trained on.
        prompts: names or files of prompt sets, of a model of ECGs and texts.
        lead: for a model of a single lead, the one that it is to see.
        options: what is looked at.
        allow_training_folds: judge folds that the weights have seen.
        intervals, forward: see there.

    Raises:
        ValueError: a model without classes, folds that the weights have seen, no class with enough rows, a column that
            is not there.
        OSError: the model or the corpus is not there.
    """
    config = find_config(data, config)
    (facts,) = facts_for_evaluation([model], config, list(folds), allow_training_folds)
    asked = load_asked(model, pick_device(forward.device), lead)
    tasks = asked_tasks(asked, facts, data, config, label_sets, prompts)
    test = load_corpus(data, config=config, folds=folds, keep_unusable=forward.strict)
    calibration = _calibration(model)

    def judge(splits: dict) -> tuple:
        return splits["test"], asked.numbers(splits["test"], forward, f"{model}, test")

    (rows, (answers, _)), refused = skip_refused(judge, {"test": test}, forward.strict)
    groups, absent = record_groups(rows, options.extra, options.age_bands)
    logits, patients = task_logits(asked, tasks, answers), column_of(rows, "patient_id")
    entries = []
    for task in tasks:
        labels, places = task_labels(asked.kind, task, rows)
        require_counted_classes(labels, task.labels, intervals.minimum, task.name)
        scores = logits[task.name][places]
        cuts, cut_by = _cuts(task, calibration, labels, scores, options)
        own = {attribute: [names[place] for place in places] for attribute, names in groups.items()}
        judged = JudgedRows(task.labels, labels, scores, cuts, [patients[place] for place in places])
        word = SUPERVISED if task.prompts is None else task_protocol([facts], task.prompts, config)[0]
        told = {"name": task.name, "label_set": task.label_set, "protocol": word, "cuts_of": cut_by}
        told |= {"records": len(labels), "patients": len(set(judged.patients))}
        entries.append(told | audit_groups(judged, own, intervals))
    leakage = find_leakage(facts, data, config, rows, options.duplicates)
    described, device = {SYSTEM: describe_seeds([model], [facts])}, pick_device(forward.device)
    notes = forward.notes() + averaged_windows_notes([model], rows, forward.crops)
    frame = report_frame(TITLE, data, config, intervals, device, list(folds), [patients], described, notes)
    more = {"options": vars(options).copy(), "absent": absent, "leakage": leakage, "tasks": entries}
    return note_refused(frame | more, refused)


def _calibration(model: str) -> Calibration | None:
    path = Path(model) / FILE_NAME
    if not path.is_file():
        return None
    found = read_calibration(path)
    found.check_weights(weights_digest(model), model, str(path))
    return found


def _cuts(task: AskedTask, calibration: Calibration | None, labels, scores, options) -> tuple[np.ndarray, str]:
    """The thresholds that were chosen on other rows, where there are some for every class that has a positive here."""
    fitted = None if calibration is None else calibration.tasks.get(task.name)
    if fitted is None or [one.label for one in fitted.classes] != task.labels:
        return common_cuts(labels, scores, options.sensitivity), CHOSEN_HERE
    return np.array([np.inf if one.cut_at is None else one.cut_at for one in fitted.classes]), CALIBRATED
