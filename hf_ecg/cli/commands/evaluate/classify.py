"""Classify one record."""

from collections.abc import Sequence
from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...next_steps import line
from ...options import CHANNELS, COVARIATES, DEVICE, WINDOW, as_command, many
from ...outcomes import Ending
from ..info import PROMPTS

_PAIRS = "probability: sigmoid(scale * cosine + bias), that record and text are a pair; not a risk of disease."
_RANKS = "The model was trained without the sigmoid loss: its cosines rank texts and are not probabilities."
_OWN = "probability: what the classifier gives for each of its classes; not a risk of disease."
_NUMBERS = "value: the number that the model gives."
_OF_CALIBRATION = ("calibrated", "set", "verdict", "abstained", "ood", "ood_score")
_CALIBRATED = (
    " Calibrated on other records, see calibration_report.md. present, absent: the other is ruled out, else unsure;"
    " no answer: the risk that was chosen cannot be kept; as it is: too few records to calibrate."
)
_STRANGE = " This record is unlike those that the model learned from (ood): do not trust the answers."


@as_command("classify")
@click.argument("record")
@click.option(
    "--model",
    type=MODEL_NAME,
    required=True,
    help="Model of ECGs and texts, or a classifier: a folder, a packaged name, or a Hub id.",
)
@many("--prompts", help="Names or YAML files of prompt sets, or texts; a classifier has its own classes.")
@click.option("--picture", help=".png or .svg file: the ECG on paper, with the answers below.")
@CHANNELS
@WINDOW
@COVARIATES
@click.option("--uncalibrated", is_flag=True, help="Answers as the model gives them, without its calibration.json.")
@DEVICE
def command(record, model, prompts, picture, leads, rename, window, covariates, uncalibrated, device) -> Ending:
    """Say how well texts fit one ECG: classes of prompt sets, or texts of your own. Or what a classifier says of it.

    \b
    hf-ecg evaluate classify RECORD.hea --model OUT --prompts ptb_xl_superdiagnostic
    hf-ecg evaluate classify RECORD.hea --model OUT --prompts "atrial fibrillation" "sinus rhythm"
    hf-ecg evaluate classify RECORD.hea --model FINETUNED --covariates age=61,sex=female

    `hf-ecg info prompts` lists the prompt sets.
    """
    from ....trained_on import trained_on_note

    of_file = {"leads": leads, "rename": rename, "window": window}
    if prompts and covariates is not None:
        raise click.UsageError("--covariates is for a classifier, and --prompts asks a model of ECGs and texts")
    if prompts:
        results = _by_words(model, prompts, record, device, of_file, uncalibrated)
    else:
        results = _by_classes(model, record, device, of_file | {"covariates": covariates}, uncalibrated)
    note = _meaning(results)
    lines = [*_table(results), "", note]
    if picture is None:
        return Ending(results, "\n".join(lines), next=[line("plot", record, "--output", "ecg.png")])
    if "value" in results[0]:
        raise ValueError(f"--picture is for answers in words, and {model} gives numbers")
    from ....plotting.picture_files import draw_answers

    note = ". ".join(filter(None, (trained_on_note(model), f"{Path(model).name}: {note}")))
    path = draw_answers(record, results, picture, note=note, leads=leads, rename=rename)
    made = [(path, "the ECG with the answers")]
    return Ending(results, "\n".join(lines), made, [line("info", PROMPTS)])


def _by_words(
    model: str, prompts: Sequence[str], record: str, device, of_file: dict, uncalibrated: bool
) -> list[dict]:
    from ....clinical.prompts import load_prompts, prompt_set_names
    from ....evaluation.judging.record_classes import classify_record
    from ....evaluation.loading import load_dual_encoder, pick_device
    from ....pipeline_calibration import calibration_of
    from ....pipelines import pipeline

    dual, processor = load_dual_encoder(model, pick_device(device))
    calibration = calibration_of(dual, False if uncalibrated else None)
    named = {one for one in prompts if one in prompt_set_names() or Path(one).suffix in (".yaml", ".yml")}
    sets = {one: load_prompts(one) for one in named} if calibration else {}
    fitted = {one: each for one, each in sets.items() if calibration.task_of_texts(each.classes)}
    if not fitted:
        return classify_record(dual, processor, record, prompts, **of_file)
    ask = pipeline("zero-shot-ecg-classification", dual, processor=processor)
    given, results = {name: value for name, value in of_file.items() if value is not None}, []
    for prompt in prompts:
        if prompt not in fitted:
            results += classify_record(dual, processor, record, [prompt], **of_file)
            continue
        answers = {one["label"]: one for one in ask(record, candidate_labels=fitted[prompt].classes, **given)}
        for name in fitted[prompt].classes:
            told = {"class": name, "words": fitted[prompt].words(name), "cosine": answers[name]["cosine"]}
            results.append(told | {"probability": answers[name]["score"]} | _sure(answers[name]))
    return results


def _by_classes(model: str, record: str, device, of_file: dict, uncalibrated: bool) -> list[dict]:
    """What a classifier says, the highest first."""
    from ....auto import folder_role
    from ....clinical.prompts import class_words
    from ....evaluation.loading import pick_device
    from ....evaluation.protocol import read_training_facts
    from ....pipelines import pipeline

    if folder_role(model) == "dual encoder":
        raise click.UsageError(
            'wanted --prompts: words to compare the ECG with, such as --prompts "sinus rhythm" "atrial fibrillation",'
            " or a prompt set, such as --prompts ptb_xl_rhythm"
        )
    given = {name: value for name, value in of_file.items() if value is not None}
    off = False if uncalibrated else None
    classify = pipeline("ecg-classification", model, device=pick_device(device), calibration=off)
    regression = classify.model.config.problem_type == "regression"
    answers = classify(record, **given, **({} if regression else {"top_k": None}))
    facts = read_training_facts(model)
    label_sets = {name for source in facts.sources for name in source.label_sets} if facts else set()
    words = class_words(label_sets.pop()) if len(label_sets) == 1 else {}
    kind = "value" if regression else "probability"
    return [
        {"class": one["label"], "words": words.get(one["label"], ""), kind: one["score"]} | _sure(one)
        for one in answers
    ]


def _sure(answer: dict) -> dict:
    """What an answer says beside its score."""
    return {key: answer[key] for key in ("windows", *_OF_CALIBRATION) if key in answer}


def _meaning(results: Sequence[dict]) -> str:
    first = results[0]
    read = f" Read as {first['windows']} windows, whose outputs are averaged." if "windows" in first else ""
    calibrated = next((one for one in results if "calibrated" in one), {})
    strange = _STRANGE if calibrated.get("ood") else ""
    return _kind(first) + read + (_CALIBRATED if calibrated else "") + strange


def _kind(first: dict) -> str:
    if "cosine" in first:
        return _RANKS if first["probability"] is None else _PAIRS
    return _NUMBERS if "value" in first else _OWN


def _table(results: Sequence[dict]) -> list[str]:
    """A line for each class: its numbers, and what its code says in words."""
    kinds = [kind for kind in ("cosine", "probability", "value") if results[0].get(kind) is not None]
    width = max(5, *(len(entry["class"]) for entry in results))
    lines = [f"{'class':<{width}}  {'  '.join(f'{kind:>6}' for kind in kinds)}"]
    for entry in results:
        numbers = "  ".join(_number(kind, entry[kind]) for kind in kinds)
        lines.append("  ".join([f"{entry['class']:<{width}}", numbers, *_said(entry), entry["words"]]).rstrip())
    return lines


def _said(entry: dict) -> list[str]:
    """What a calibration says of a class, in words."""
    if "calibrated" not in entry:
        return []
    told = [entry["verdict"], entry["abstained"] and "no answer", not entry["calibrated"] and "as it is"]
    return [f"{', '.join(filter(None, told)):<21}"]


def _number(kind: str, value: float) -> str:
    return {"cosine": f"{value:>6.3f}", "probability": f"{value:>11.4f}", "value": f"{value:>6.3g}"}[kind]
