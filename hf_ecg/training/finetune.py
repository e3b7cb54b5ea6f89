"""Recipes of fine-tuning: an encoder's own network and feature extractor, a head for the labels, some of its leads."""

from collections.abc import Sequence
from pathlib import Path

from transformers import CONFIG_MAPPING, AutoConfig, AutoFeatureExtractor

from ..auto import AutoModelForECGClassification, AutoModelForECGSurvival
from ..checks import nearest
from ..evaluation.judging.supervised import MULTI_LABEL, PROBLEMS, REGRESSION, SINGLE_LABEL, SURVIVAL
from ..models.shared.roles import ecg_config
from ..signals.leads import LIMB_LEADS, STANDARD_LEADS, canonical_leads
from .network import carried_config, resolve_pretrained
from .recipe import Recipe, apply_override, parse_recipe

LEAD_SETS = {
    "I": ("I",),
    "II": ("II",),
    "V5": ("V5",),
    "I+II": ("I", "II"),
    "six limb leads": LIMB_LEADS,
    "twelve leads": STANDARD_LEADS,
}

# problems that columns of numbers tell of -> the method
_OF_TARGETS = {REGRESSION: "targets", SURVIVAL: "survival"}

# Starting points. On PTB-XL at 100 Hz, rates from 2e-4 to 1e-3 for all weights gave the same within 0.001 of macro
# AUROC on the validation fold (one seed); a head alone bears a larger rate.
_WHOLE = {"optimizer": {"lr": 5e-4, "weight_decay": 0.05}, "run": {"epochs": 10, "batch_size": 32}}
_FROZEN = {"optimizer": {"lr": 1e-2, "weight_decay": 0.01}, "run": {"epochs": 20, "batch_size": 32}}


def finetuning_recipe(
    model: str,
    problem: str = MULTI_LABEL,
    label_sets: Sequence[str] = (),
    targets: Sequence[str] = (),
    leads: Sequence[str] | None = None,
    frozen: bool = False,
    random: bool = False,
    minimum: int | None = None,
    metric: str | None = None,
    percent: float | None = None,
    covariates: Sequence[str] = (),
    overrides: Sequence[str] = (),
) -> Recipe:
    """The recipe that trains a head on an encoder, and the encoder with it.

    Args:
        model: encoder folder or Hub id, with its feature extractor.
        problem: "multi_label", "single_label" (records with exactly one class of the label set), "regression" or
            "survival".
        label_sets: label-set columns of the corpus.
        targets: columns of numbers, for "regression"; the two of time and event, for "survival".
        leads: the leads to use, see `lead_choice`; None takes all of the encoder's.
        frozen: train the head alone, without views; else everything.
        random: a control: the encoder's network with weights drawn anew, and the same budget.
        minimum: positives and negatives that a class needs in the validation rows.
        metric: that chooses the epoch of labels: "auroc" or "auprc"; None is the problem's own.
        percent: of the training patients, see `data.train_percent`.
        covariates: columns of numbers, and `sex`, that the head is told beside the waveform.
        overrides: strings `section.key=value`, which replace whatever stands here.

    Raises:
        ValueError: a model without a classification head, leads that it cannot take, labels that do not fit the
            problem, an unknown key.
        OSError: no such model.
    """
    if problem not in PROBLEMS:
        raise ValueError(f"problem is {problem!r}, wanted one of {', '.join(PROBLEMS)}{nearest(problem, PROBLEMS)}")
    wanted, given = ("targets", targets) if problem in _OF_TARGETS else ("label_sets", label_sets)
    if not given or (targets and label_sets):
        raise ValueError(
            f"{problem} wants {wanted} alone, found label_sets {list(label_sets)} and targets {list(targets)}"
        )
    source = resolve_pretrained(model)
    # of a dual encoder its ECG tower
    config = ecg_config(AutoConfig.from_pretrained(source))
    auto = AutoModelForECGSurvival if problem == SURVIVAL else AutoModelForECGClassification
    if type(config) not in auto._model_mapping:
        inside = " (a run keeps its encoder in the subfolder `encoder`)" if Path(source, "encoder").is_dir() else ""
        raise ValueError(f"{model} holds a {config.model_type}, which has no head for {problem}{inside}")
    extractor = AutoFeatureExtractor.from_pretrained(source)
    network = {"model_type": config.model_type}
    if random:
        network |= carried_config(CONFIG_MAPPING[config.model_type], config)
    content = {
        "model": {
            "class": auto.__name__,
            "config": network,
            "init_from": {} if random else {"encoder": str(model)},
        },
        "processor": {
            "feature_extractor": {
                "sampling_rate": extractor.sampling_rate,
                "num_samples": extractor.num_samples,
                **lead_choice(extractor, leads),
            }
        },
        "data": {
            "columns": {"covariates": list(covariates)},
            "label_sets": list(label_sets),
            "targets": list(targets),
            "train_percent": percent,
        },
        "method": {"name": _OF_TARGETS.get(problem, "labels"), "options": {}},
        "freeze": ["encoder"] if frozen else [],
        "validation": _validation(problem, label_sets, targets, minimum, metric),
    }
    if problem == SINGLE_LABEL:
        content["method"]["options"]["single_label"] = True
    if not frozen:
        content["method"]["options"]["views"] = _views(content["processor"]["feature_extractor"])
    for section, values in (_FROZEN if frozen else _WHOLE).items():
        content[section] = dict(values)
    for override in overrides:
        apply_override(content, override)
    return parse_recipe(content, source="fine-tuning")


def lead_choice(extractor, leads: Sequence[str] | None) -> dict:
    """`leads` and `steps` of an extractor that shows a model some leads only.

    A single-lead encoder accepts that lead alone from then on. An encoder of several leads keeps its inputs: all but
    the chosen leads are zero and false in `lead_mask` by the step `keep_leads`, which is saved with the model. It
    stands behind the derivation of limb leads. So a lead may be derived from two others, and I and II stay two leads
    although they give all six of the limbs: who wants the six asks for them.

    Raises:
        ValueError: leads that the encoder does not have, or several for one that takes one.
    """
    steps = [dict(step) for step in extractor.steps]
    single = any(step["name"] == "pick_lead" for step in steps)
    if leads is None:
        if single and len(extractor.leads) > 1:
            raise ValueError(f"the encoder takes one lead: name it, one of {', '.join(extractor.leads)}")
        return {"leads": list(extractor.leads), "steps": steps}
    chosen = list(canonical_leads(leads))
    unknown = [lead for lead in chosen if lead not in extractor.leads]
    if unknown or not chosen:
        raise ValueError(f"the encoder has no lead {', '.join(unknown)}, only {', '.join(extractor.leads)}")
    if single:
        if len(chosen) > 1:
            raise ValueError(f"leads are {', '.join(chosen)}, but the encoder takes one")
        return {"leads": chosen, "steps": steps}
    steps = [step for step in steps if step["name"] != "keep_leads"]
    if len(chosen) < len(extractor.leads):
        ordered = [lead for lead in extractor.leads if lead in chosen]
        after = [step["name"] for step in steps].index("select_leads") + 1
        steps.insert(after, {"name": "keep_leads", "leads": ordered})
    return {"leads": list(extractor.leads), "steps": steps}


def lead_sets(extractor) -> dict[str, list[str]]:
    """The sets of `LEAD_SETS` that an encoder can take: those of one lead for a single-lead encoder.

    Raises:
        ValueError: it can take none of them.
    """
    single = any(step["name"] == "pick_lead" for step in extractor.steps)
    found = {
        name: list(leads)
        for name, leads in LEAD_SETS.items()
        if set(leads) <= set(extractor.leads) and not (single and len(leads) > 1)
    }
    if not found:
        raise ValueError(f"none of the lead sets {', '.join(LEAD_SETS)} is within the encoder's {extractor.leads}")
    return found


def _validation(problem: str, label_sets, targets, minimum: int | None, asked: str | None) -> dict:
    if asked is not None and problem in _OF_TARGETS:
        raise ValueError(f"metric is {asked!r}, which is one of labels, but the problem is {problem}")
    if problem == SURVIVAL:
        return {"name": "survival", "metric": "c_index", "greater_is_better": True}
    if problem == REGRESSION:
        # errors in years and in millivolts have no mean
        metric = "mae" if len(targets) == 1 else "r2"
        return {"name": "regression", "metric": metric, "greater_is_better": metric == "r2"}
    name, metric = ("single_label", "macro_f1") if problem == SINGLE_LABEL else ("classification", "macro_auroc")
    if asked is not None:
        metric = f"macro_{asked}"
    section = {"name": name, "metric": metric, "greater_is_better": True, "label_sets": list(label_sets)}
    return section | ({} if minimum is None else {"minimum": minimum})


def _views(extractor: dict) -> list[dict]:
    """Crop, scale and noise; in millivolts where the extractor's last step is the normalisation, before which the step
    `views` is put; crops alone where another step takes the millivolts away."""
    views = []
    if extractor["num_samples"] is not None:
        views.append({"name": "random_crop", "num_samples": max(1, extractor["num_samples"] * 4 // 5)})
    steps = extractor["steps"]
    voltages = [step for step in steps if step["name"] in ("normalise", "divide")]
    placed = any(step["name"] == "views" for step in steps)
    last = steps[-1]
    behind = voltages == [last] and last["name"] == "normalise" and not last.get("return_amplitude")
    if voltages and not behind and not placed:
        return views
    if not voltages:
        views.append({"name": "amplitude_scale", "factor": [0.9, 1.1]})
    elif not placed:
        steps.insert(len(steps) - 1, {"name": "views"})
    return [*views, {"name": "gaussian_noise", "rms": 0.02}]
