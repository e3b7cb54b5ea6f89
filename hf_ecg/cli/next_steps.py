"""Which command to try after which: command lines that can be typed as they are."""

import shlex
from collections.abc import Mapping
from pathlib import Path

# recipe that a corpus of this configuration can be pretrained by
RECIPES = {"ptb_xl_100hz": "clep_ptb_xl", "ptb_xl_500hz": "clep", "mimic_iv_ecg_500hz": "clep"}
SIMULATED_RECIPE = "demo_simulated"
TWELVE_LEADS_MODEL, ONE_LEAD_MODEL = "ecg-text-small", "ecg-single-lead-small"


def line(*words) -> str:
    """`hf-ecg` with these words, quoted for a shell."""
    return shlex.join(["hf-ecg", *map(str, words)])


def spoken(model: str | Path) -> str:
    """A model as a person names it: one inside the package by its name."""
    from ..pretrained_models import pretrained_names

    folder = Path(model)
    packaged = folder.name in pretrained_names() and folder.parent.name == "pretrained_models"
    return folder.name if packaged else str(model)


def model_for(summary: Mapping) -> str:
    """The packaged model for the rows of a prepared corpus: of one lead where every row has lead I alone."""
    one_lead = summary.get("leads") == ["I"] or summary.get("single_lead")
    return ONE_LEAD_MODEL if one_lead else TWELVE_LEADS_MODEL


def after_corpus(folder: str | Path, summary: Mapping) -> list[str]:
    """What a prepared corpus can be used for."""
    config = summary.get("config", "")
    recipe = SIMULATED_RECIPE if summary.get("simulated") else RECIPES.get(config)
    if recipe:
        return [line("pretrain", "--config", recipe, "--data", folder, "--output_dir", "out/pretrained")]
    model = model_for(summary)
    found = [line("embed", folder, "--model", model, "--output", "embeddings.parquet")]
    if label_set := next(iter(summary.get("classes") or {}), None):
        words = ("finetune", "--model", model, "--data", folder, "--label_set", label_set)
        found.append(line(*words, "--output_dir", "out/finetuned"))
    return found


def after_model(folder: str | Path, facts: Mapping) -> list[str]:
    """What a model can be used for, by what its folder tells (`folder_facts`), without loading torch."""
    leads = facts.get("leads") or []
    one_lead = ["--lead", leads[0]] if "pick_lead" in facts.get("steps", ()) and len(leads) > 1 else []
    found = [line("embed", "RECORDS", "--model", folder, *one_lead, "--output", "embeddings.parquet")]
    asked = line("evaluate", "classify", "RECORD.hea", "--model", folder)
    if facts.get("class", "").endswith("ForECGClassification"):
        return [asked, *found]
    if facts.get("class") == "ECGTextModel":
        return [f"{asked} --prompts ptb_xl_rhythm", *found]
    return found


def after_pretraining(folder: str | Path, data: str | Path | None) -> list[str]:
    """What a pretrained model can be used for."""
    data = data or "CORPUS"
    inside = Path(folder) / "encoder"
    if not inside.is_dir():
        return [line("info", folder)]
    return [
        line("embed", data, "--model", folder, "--output", "embeddings.parquet"),
        line("pictures", "--model", folder, "--data", data, "--output", "pictures"),
        line("plot", folder, "--output", "training.png"),
    ]


def after_report(model: str | Path, report: str | Path) -> list[str]:
    """What the report of a model can be used for: its card, when it is a model of one's own."""
    if not (Path(model) / "training_facts.json").is_file() or spoken(model) != str(model):
        return []
    return [line("card", model, "--evaluation", report)]
