"""Any model as one thing: numbers of a batch, and from these the scores of a task's classes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import nn

from ...auto import folder_role
from ...clinical.prompts import PromptSet, load_prompts, prompt_set_names
from ...data.corpus import label_names
from ...models.shared.covariates import wanted_covariates
from ...models.shared.roles import ecg_encoder
from ..benchmark.model_outputs import model_key
from ..judging.asked_texts import TrainedTexts, asked_texts
from ..judging.features import ecg_features
from ..judging.label_text import TextEmbeddings, match_labels, scores_by_text
from ..judging.linear_probe import STRENGTHS, ProbeResult
from ..judging.probe_task import ProbeTask, probe_task
from ..judging.validation import task_labels
from ..loading import check_label_sets, extractor_of, load_classifier, load_dual_encoder, load_encoder
from ..options import NAMES, ForwardOptions, IntervalOptions
from ..protocol import SUPERVISED, TrainingFacts, task_protocol

CLASSIFIER, PROMPTS, PROBE = KINDS = ("classifier", "prompts", "probe")
_ROLES = {"classifier": CLASSIFIER, "dual encoder": PROMPTS}


@dataclass(frozen=True)
class JudgedTask:
    """A label set with the test rows that are judged.

    Args:
        name: label set, or prompt set.
        label_set: column of the corpus.
        class_names: in the order of the labels' columns.
        labels: (judged rows, classes).
        rows: their numbers among the test rows.
        protocol: the word for the figures.
        prompt_set: of a model that is asked in words.
        probe: rows of all splits, of an encoder with a probe.
    """

    name: str
    label_set: str
    class_names: list[str]
    labels: np.ndarray
    rows: np.ndarray
    protocol: str = SUPERVISED
    prompt_set: PromptSet | None = None
    probe: ProbeTask | None = None


@dataclass(frozen=True)
class JudgedModel:
    """A model, ready to be asked.

    Args:
        model: on its device.
        extractor: its feature extractor.
        key: names weights, configuration and preparation.
        forward: from the model's inputs to a tensor (rows, numbers).
        score: from a task and the numbers (judged rows, numbers) to scores (judged rows, classes).
        facts: for the report.
        covariates: columns that `forward` is told beside the waveform.
        probes: of an encoder with probes, task -> the fitted one.
    """

    model: nn.Module
    extractor: object
    key: dict
    forward: Callable[[dict[str, torch.Tensor]], torch.Tensor]
    score: Callable[[JudgedTask, np.ndarray], np.ndarray]
    facts: dict = field(default_factory=dict)
    covariates: Sequence[str] = ()
    probes: Mapping[str, ProbeResult] = field(default_factory=dict)


def kind_of(folder: str, probe: bool) -> str:
    """How a model is asked: "classifier", "prompts", or "probe", of an encoder or when it is wanted.

    Raises:
        ValueError: a survival model without `probe`.
        OSError: the model is not there.
    """
    role = folder_role(folder)
    if role == "survival model" and not probe:
        raise ValueError(f"{folder} holds a survival model, which scores no classes; --probe judges its encoder")
    return PROBE if probe else _ROLES.get(role, PROBE)


def prompts_of(label_sets: Sequence[str], prompts: Sequence[str]) -> list[PromptSet]:
    """The named prompt sets, or those of the package for these label sets of PTB-XL.

    Raises:
        ValueError: none is named, and the package has none for a label set.
    """
    if prompts:
        return [load_prompts(name) for name in prompts]
    absent = [name for name in label_sets if f"ptb_xl_{name}" not in prompt_set_names()]
    if absent:
        raise ValueError(f"there are no prompts for {', '.join(absent)}: --prompts names prompt sets or YAML files")
    return [load_prompts(f"ptb_xl_{name}") for name in label_sets]


def judged_tasks(
    kind: str,
    splits: Mapping,
    label_sets: Sequence[str],
    prompts: Sequence[str],
    intervals: IntervalOptions,
    facts: Sequence[TrainingFacts | None],
    config: str | None,
    shared_patients: bool = False,
) -> list[JudgedTask]:
    """The tasks of a table; made first, so that mistakes show before a model runs.

    Args:
        kind: see `kind_of`.
        splits: "test", and of a probe "train" and "validation".
        label_sets, prompts: what is asked.
        intervals: with the least number of positives and negatives.
        facts: of the models' training.
        config: of the corpus.
        shared_patients: see `probe_task`.

    Raises:
        ValueError: an unknown label set, no class with enough positives, a patient in two splits.
    """
    made: list[JudgedTask] = []
    if kind == PROMPTS:
        for one in prompts_of(label_sets, prompts):
            names = list(one.classes)
            found = task_labels(splits["test"], one.label_set, names, intervals.minimum, one.name)
            word, _ = task_protocol(facts, one, config)
            made.append(JudgedTask(one.name, one.label_set, names, *found, word, one))
        return made
    for label_set in label_sets:
        names = list(label_names(splits["test"], label_set))
        if kind == CLASSIFIER:
            found = task_labels(splits["test"], label_set, names, intervals.minimum, f"{label_set}, test rows")
            made.append(JudgedTask(label_set, label_set, names, *found))
        else:
            probe = probe_task(splits, label_set, names, intervals.minimum, shared_patients=shared_patients)
            labels, rows = probe.labels["test"], probe.rows["test"]
            made.append(JudgedTask(label_set, label_set, names, labels, rows, probe=probe))
    return made


def load_classifier_judge(folder: str, device, tasks: Sequence[JudgedTask], facts) -> JudgedModel:
    """A fine-tuned classifier: its logits, by class name.

    Raises:
        ValueError: a class that it does not have, other label sets, or a regression.
    """
    check_label_sets([folder], [facts], [task.label_set for task in tasks])
    model, extractor = load_classifier(folder, device)
    if model.config.problem_type == "regression":
        raise ValueError(f"{folder} gives numbers, not classes: wanted a classifier")
    columns = {task.name: match_labels(model.config.id2label, task.class_names, task.label_set) for task in tasks}

    def forward(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return model(**inputs).logits

    def score(task: JudgedTask, found: np.ndarray) -> np.ndarray:
        if model.config.problem_type == "single_label_classification":
            found = torch.from_numpy(found).log_softmax(dim=-1).numpy()
        return found[:, columns[task.name]]

    told = wanted_covariates(model.config)
    return JudgedModel(model, extractor, model_key(model, extractor), forward, score, covariates=told)


def load_prompted_judge(folder: str, device, tasks: Sequence[JudgedTask], facts) -> JudgedModel:
    """A dual encoder, asked by the prompts of each class."""
    model, processor = load_dual_encoder(folder, device)
    texts, trained = TextEmbeddings(model, processor), TrainedTexts.of(facts)
    asked = {task.name: asked_texts(task.prompt_set, trained) for task in tasks}

    def forward(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return nn.functional.normalize(model.get_ecg_features(**inputs).pooler_output.float(), dim=-1)

    def score(task: JudgedTask, found: np.ndarray) -> np.ndarray:
        unit = found / np.linalg.norm(found, axis=1, keepdims=True)
        return scores_by_text(texts, unit, asked[task.name], [NAMES])[NAMES]

    return JudgedModel(model, extractor_of(processor), model_key(model, processor), forward, score)


def load_probed_judge(
    folder: str,
    device,
    tasks: Sequence[JudgedTask],
    splits: Mapping,
    *,
    lead: str | None,
    seed: int,
    options: ForwardOptions,
    features: Callable[[dict, str, Callable[[], np.ndarray]], np.ndarray],
    strengths: Sequence[float] = STRENGTHS,
) -> JudgedModel:
    """An encoder with a linear probe, fitted on the training rows as they are, its strength chosen on validation.

    Args:
        lead: of an encoder of a single lead, the one of the training rows.
        seed: of the probe.
        options: how the encoder is run.
        features: keeps what is computed: (key of the model, split, how to compute it) to the features.
        strengths: tried.

    Raises:
        ValueError: an encoder of a single lead that accepts several of the corpus, and no `lead`.
    """
    encoder, extractor = load_encoder(folder, device)
    given = {"lead": lead, "seed": seed, "options": options, "features": features, "strengths": strengths}
    return probed_judge(encoder, extractor, folder, tasks, splits, **given)


def probed_judge(
    encoder: nn.Module,
    extractor,
    name: str,
    tasks: Sequence[JudgedTask],
    splits: Mapping,
    *,
    lead: str | None,
    seed: int,
    options: ForwardOptions,
    features: Callable[[dict, str, Callable[[], np.ndarray]], np.ndarray],
    strengths: Sequence[float] = STRENGTHS,
) -> JudgedModel:
    """`load_probed_judge` of an encoder that is there already; `name` is the title of its progress bar."""
    key = model_key(encoder, extractor)
    given = {"batch_size": options.batch_size, "crops": options.crops, "lead": lead}
    clean = {
        split: features(
            key | {"lead": lead},
            split,
            partial(ecg_features, encoder, extractor, splits[split], description=f"{name}, {split}", **given),
        )
        for split in ("train", "validation")
    }
    probes: dict[str, ProbeResult] = {}
    for task in tasks:
        rows = task.probe.rows
        own = {split: values[rows[split]] for split, values in clean.items()}
        probes[task.name] = task.probe.fit(own | {"test": own["validation"]}, 100, seed, strengths)

    def forward(inputs: dict[str, torch.Tensor]) -> torch.Tensor:
        return ecg_encoder(encoder)(**inputs).pooler_output

    def score(task: JudgedTask, found: np.ndarray) -> np.ndarray:
        return probes[task.name].score(found)

    told = {"strengths": {name: probe.strength for name, probe in probes.items()}}
    told["train_records"] = {name: probe.records for name, probe in probes.items()}
    if lead is not None:
        told["trained_on_lead"] = lead
    return JudgedModel(encoder, extractor, key, forward, score, told, probes=probes)
