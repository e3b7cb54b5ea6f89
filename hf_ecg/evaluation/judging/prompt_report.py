"""Dual encoders judged by prompts, beside the supervised classifier of the same budget and the random encoder."""

from collections.abc import Sequence
from dataclasses import replace

from ...clinical.prompts import PromptSet, load_merl_prompts, load_prompts
from ...data.corpus import find_config, label_names, load_corpus
from ..loading import (
    budget_notes,
    check_label_sets,
    describe_drawn,
    describe_seeds,
    facts_for_evaluation,
    pick_device,
)
from ..options import (
    ALONE,
    BY_NAMES,
    DEFAULT_FORWARD,
    DEFAULT_INTERVALS,
    AskingOptions,
    Companions,
    ForwardOptions,
    IntervalOptions,
)
from ..protocol import task_protocol
from ..reports.evaluation_report import report_frame
from .asked_texts import TrainedTexts
from .averaged_windows import averaged_windows_notes
from .judged_tasks import RANDOM, RULES, SUPERVISED, SYSTEMS, JudgedTasks
from .refused import note_refused, skip_refused
from .rule_scores import described_features
from .validation import LEAVE_OUT, task_labels


def judge_by_prompts(
    models: Sequence[str],
    data: str,
    prompts: Sequence[str],
    *,
    folds: Sequence[int],
    config: str | None = None,
    companions: Companions = ALONE,
    asking: AskingOptions = BY_NAMES,
    unannotated: str = LEAVE_OUT,
    protocol: str | None = None,
    allow_training_folds: bool = False,
    intervals: IntervalOptions = DEFAULT_INTERVALS,
    forward: ForwardOptions = DEFAULT_FORWARD,
) -> dict:
    """A report of classification by prompts; see `write_report`.

    Args:
        models: folders of dual encoders, the seeds of one model.
        data, config: prepared corpus (folder or Hub id) and its configuration.
        prompts: see `asked_prompts`.
        folds: judged.
        companions: classifiers, the random encoder and the rules of waveform features beside the model.
        asking: in which words; a system of the report for each way.
        unannotated: see `task_labels`.
        protocol: refuse when the models cannot claim this one, "label-text" or "zero-shot".
        allow_training_folds: judge folds that the models were trained on.
        intervals, forward: see there.

    Raises:
        ValueError: folds of the training, a protocol that cannot be claimed, a classifier of other label sets, rules
            of classes that the table does not tell of.
        OSError: a model or corpus is not there.
    """
    models, supervised = list(models), list(companions.supervised)
    config, device = find_config(data, config), pick_device(forward.device)
    prompt_sets = asked_prompts(prompts, data, config)
    facts = facts_for_evaluation(models, config, list(folds), allow_training_folds)
    companion_facts = facts_for_evaluation(supervised, config, list(folds), allow_training_folds)
    check_label_sets(supervised, companion_facts, [prompt_set.label_set for prompt_set in prompt_sets])
    words = [task_protocol(facts, prompt_set, config, protocol) for prompt_set in prompt_sets]
    if companions.rules:
        described_features(prompt_sets)  # raises before anything is embedded
    rows = load_corpus(data, config=config, folds=list(folds), keep_unusable=forward.strict)

    def judge(splits: dict) -> JudgedTasks:
        dataset = splits["test"]
        tasks = [
            task_labels(dataset, one.label_set, list(one.classes), intervals.minimum, one.name, unannotated)
            for one in prompt_sets
        ]
        judged = JudgedTasks(dataset, prompt_sets, tasks, asking, intervals, forward)
        for index, (folder, entry) in enumerate(zip(models, facts, strict=True)):
            drawn = intervals.seed + index if companions.random else None
            judged.add_dual_encoder(folder, TrainedTexts.of(entry), device, drawn)
        for folder in supervised:
            judged.add_classifier(folder, device)
        if companions.rules:
            judged.add_rules(data)
        return judged

    judged, refused = skip_refused(judge, {"test": rows}, forward.strict)
    entries = judged.entries(words, {"unannotated": unannotated})
    described = dict.fromkeys((SYSTEMS[one] for one in asking.by), describe_seeds(models, facts))
    if supervised:
        described[SUPERVISED] = describe_seeds(supervised, companion_facts)
    if companions.random:
        described[RANDOM] = describe_drawn(len(models), intervals.seed)
    if companions.rules:
        described[RULES] = [{"folder": "the table of waveform features on measurements", "seed": None}]
    title, patients = "Classification by prompts", [judged.dataset["patient_id"]]
    notes = [*budget_notes(facts, companion_facts), *judged.notes(), *forward.notes()]
    notes += averaged_windows_notes([*models, *supervised], judged.dataset, forward.crops)
    frame = report_frame(title, data, config, intervals, device, list(folds), patients, described, notes)
    return note_refused(frame | {"tasks": entries}, refused)


def asked_prompts(prompts: Sequence[str], data: str, config: str | None = None) -> list[PromptSet]:
    """Prompt sets, a task each.

    Args:
        prompts: names or YAML files of prompt sets; or LABEL_SET=FILE.json, for all classes that the corpus has of a
            label set, from MERL's CKEPE_prompt.json or a file of its form.
        data, config: the corpus, which is opened for label sets.

    Raises:
        ValueError, OSError: see `load_prompts`, `load_merl_prompts`; the corpus has no such label set.
    """
    found = []
    for name in prompts:
        label_set, _, path = name.partition("=")
        if not name.endswith(".json"):
            found.append(load_prompts(name))
        elif not path:
            raise ValueError(f"{name} has texts of many label sets, say which one is asked for: LABEL_SET={name}")
        else:
            classes = label_names(load_corpus(data, config=config, keep_unusable=True), label_set)
            of_file = load_merl_prompts(path, label_set, classes)
            found.append(replace(of_file, name=f"{of_file.name}_{label_set}"))
    return found
