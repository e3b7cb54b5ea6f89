"""What the models of the package are worth: by twins that were trained without the folds that judge."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from transformers import AutoProcessor, pipeline

from ...auto import folder_role
from ...evaluation.audit.audit_page import REPORT_NAME as AUDIT_NAME
from ...evaluation.audit.audit_page import audit_page
from ...evaluation.audit.audit_run import audit_model
from ...evaluation.judging.judged_tasks import MODEL
from ...evaluation.judging.probe_report import judge_by_probe
from ...evaluation.judging.prompt_report import judge_by_prompts
from ...evaluation.judging.validation import NEGATIVE
from ...evaluation.loading import extractor_of
from ...evaluation.metrics.interval_text import interval_text
from ...evaluation.options import DEFAULT_INTERVALS, Companions, IntervalOptions
from ...evaluation.protocol import read_training_facts
from ...evaluation.reports.evaluation_report import write_report
from ...files import atomic_file
from ...models.shared.task_names import FEATURES
from ...processing import ECGFeatureExtractor, ECGTextProcessor
from ...strict_json import read_json_object
from ...training.finetune import LEAD_SETS, lead_choice

# Tasks of PTB-XL, each with how records without a statement of its label set count.
PROMPTS = ("ptb_xl_superdiagnostic", "ptb_xl_subdiagnostic", "ptb_xl_form", "ptb_xl_rhythm")
# What devices record; two limb leads give all six, so that leads I and II are those.
ALL_LEADS = "twelve leads"
LEADS = {ALL_LEADS: "twelve leads", "I and II (six limb leads)": "six limb leads", "I alone": "I"}


# Label set of the linear probe of an encoder without words.
PROBED = "superdiagnostic"


@dataclass(frozen=True)
class TwinOptions:
    """How the twins are trained and judged.

    Args:
        test_folds: judged, once.
        validation_folds: by which recipes were chosen; not trained on either.
        ptb_xl: folder of PTB-XL as published, whose records at two rates are compared; None leaves that out.
        intervals: of the figures.
    """

    test_folds: Sequence[int] = (9, 10)
    validation_folds: Sequence[int] = (8,)
    ptb_xl: str | Path | None = None
    intervals: IntervalOptions = DEFAULT_INTERVALS


def judge_twin(model: Path, data: str | Path, folder: Path, options: TwinOptions) -> dict:
    """What the card of a model says of its twin: arguments of `training.run_card.model_card`.

    Args:
        model: folder of the twin, a dual encoder or the encoder of a single lead.
        data: prepared corpus.
        folder: for the reports; those that are there already are not made again.
        options: folds, intervals, and records at two rates.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not folder_role(model) == "dual encoder":
        path = folder / "linear_probe.json"
        if path.is_file():
            return {"reports": [path]}
        train = sorted({fold for source in read_training_facts(model).sources for fold in source.train_folds})
        folds = {"train": train, "validation": list(options.validation_folds), "test": list(options.test_folds)}
        report = judge_by_probe(
            [str(model)],
            str(data),
            PROBED,
            folds=folds,
            percentages=(1, 10, 100),
            companions=Companions(random=True),
            intervals=options.intervals,
        )
        write_report(report, path)
        return {"reports": [path]}
    audit = model / AUDIT_NAME
    if not audit.is_file():
        given = {"folds": list(options.test_folds), "prompts": PROMPTS[:1], "intervals": options.intervals}
        write_report(audit_model(str(model), str(data), **given), audit, audit_page)
    path, beside = folder / "label_text.json", folder / "few_leads.json"
    if path.is_file() and beside.is_file():
        return {"reports": [path], "more": read_json_object(beside)}
    judged = judge_lead_sets(model, data, options)
    write_report(judged[ALL_LEADS], path)
    more: dict = {"few_leads": lead_table(judged)}
    if options.ptb_xl is not None:
        more["rates"] = rate_agreement(model, options.ptb_xl)
    with atomic_file(beside) as file:
        file.write(json.dumps(more, indent=1) + "\n")
    return {"reports": [path], "more": more}


def lead_table(reports: dict[str, dict]) -> str:
    """Markdown: a row for each set of leads, macro AUROC of each task."""
    first = next(iter(reports.values()))
    names = [task["name"] for task in first["tasks"]]
    lines = [f"| leads | {' | '.join(names)} |", f"| --- |{' --- |' * len(names)}"]
    for leads, report in reports.items():
        cells = [interval_text(task["systems"][MODEL]["macro"]["auroc"], seeds=1) for task in report["tasks"]]
        lines.append(f"| {leads} | {' | '.join(cells)} |")
    return "\n".join(lines)


def judge_lead_sets(model: str | Path, data: str | Path, options: TwinOptions) -> dict[str, dict]:
    """Name of a set of leads -> report of classification by prompts, the model seeing these leads alone.

    Args:
        model: folder of a dual encoder of twelve leads.
        data: prepared corpus.
        options: folds and intervals. Records without a statement of a label set count as having none of its classes.
    """
    reports = {}
    for name, leads in LEADS.items():
        with tempfile.TemporaryDirectory() as folder:
            shown = model_of_leads(model, LEAD_SETS[leads], Path(folder) / Path(model).name)
            reports[name] = judge_by_prompts(
                [str(shown)],
                str(data),
                list(PROMPTS),
                folds=list(options.test_folds),
                unannotated=NEGATIVE,
                intervals=options.intervals,
            )
    return reports


def model_of_leads(model: str | Path, leads: Sequence[str], folder: Path) -> Path:
    """A copy of a model whose feature extractor counts all other leads as absent."""
    shutil.copytree(model, folder, ignore=shutil.ignore_patterns("checkpoints", "encoder"))
    processor = AutoProcessor.from_pretrained(folder)
    old = extractor_of(processor)
    chosen = lead_choice(old, leads)
    extractor = ECGFeatureExtractor(old.sampling_rate, num_samples=old.num_samples, **chosen)
    ECGTextProcessor(extractor, processor.tokenizer).save_pretrained(folder)
    return folder


def rate_agreement(model: str | Path, ptb_xl: str | Path) -> dict[str, dict[str, float]]:
    """Cosines between the embeddings of the same records from files of 500 and of 100 Hz.

    Args:
        model: folder of a dual encoder.
        ptb_xl: folder of PTB-XL as published, with some of `records500`.

    Returns:
        "projected" (the space shared with texts) and "pooled" (the encoder's output), each with the number of
        `records` at both rates and the `median` and `minimum` cosine.

    Raises:
        OSError: no record at both rates.
    """
    pairs = {fast: _at_100_hz(fast) for fast in sorted(Path(ptb_xl, "records500").rglob("*_hr.hea"))}
    pairs = {fast: slow for fast, slow in pairs.items() if slow.is_file()}
    if not pairs:
        raise FileNotFoundError(f"{ptb_xl} has no record at both rates, in records500 and records100")
    embed = pipeline(FEATURES, model=str(model), device="cpu")
    found = {}
    for name, projected in (("projected", True), ("pooled", False)):
        sides = [
            np.array([embed(str(path), projected=projected) for path in side]) for side in (pairs, pairs.values())
        ]
        fast, slow = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
        cosines = (fast * slow).sum(axis=1)
        found[name] = {
            "records": len(pairs),
            "median": float(np.median(cosines)),
            "minimum": float(cosines.min()),
        }
    return found


def _at_100_hz(fast: Path) -> Path:
    parts = ["records100" if part == "records500" else part for part in fast.parts]
    return Path(*parts).with_name(fast.name.replace("_hr.hea", "_lr.hea"))
