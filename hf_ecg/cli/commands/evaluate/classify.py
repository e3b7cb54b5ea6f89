"""Classify one record."""

from pathlib import Path

import click

from ...model_names import MODEL_NAME
from ...next_steps import line
from ...options import CHANNELS, DEVICE, WINDOW, as_command, many
from ...outcomes import Ending


@as_command("classify")
@click.argument("record")
@click.option("--model", type=MODEL_NAME, required=True, help="Dual encoder: a folder, a packaged name, or a Hub id.")
@many("--prompts", required=True, help="Names or YAML files of prompt sets, or texts.")
@click.option("--picture", help=".png or .svg file: the ECG on paper, with the answers below.")
@CHANNELS
@WINDOW
@DEVICE
def command(record, model, prompts, picture, leads, rename, window, device) -> Ending:
    """Say how well texts fit one ECG: classes of prompt sets, or texts of your own.

    \b
    hf-ecg evaluate classify RECORD.hea --model OUT --prompts ptb_xl_superdiagnostic
    hf-ecg evaluate classify RECORD.hea --model OUT --prompts "atrial fibrillation" "sinus rhythm"
    """
    from ....clinical.prompts import class_words
    from ....evaluation.judging.record_classes import classify_record
    from ....evaluation.loading import load_dual_encoder, pick_device
    from ....trained_on import trained_on_note

    encoder, processor = load_dual_encoder(model, pick_device(device))
    results = classify_record(encoder, processor, record, prompts, leads=leads, rename=rename, window=window)
    width = max(len(entry["class"]) for entry in results)
    probability = results[0]["probability"] is not None
    lines = [f"{'class':<{width}}  cosine" + ("  probability" if probability else "")]
    for entry in results:
        end = f"  {entry['probability']:>11.4f}" if probability else ""
        # a text is its own name
        words = "" if " " in entry["class"] else class_words().get(entry["class"], "")
        lines.append(f"{entry['class']:<{width}}  {entry['cosine']:>6.3f}{end}  {words}".rstrip())
    if probability:
        told = "probability: sigmoid(scale * cosine + bias), that record and text are a pair; not a risk of disease."
    else:
        told = "The model was trained without the sigmoid loss: its cosines rank texts and are not probabilities."
    lines += ["", told]
    if picture is None:
        return Ending(results, "\n".join(lines), next=[line("plot", record, "--output", "ecg.png")])
    from ....plotting.picture_files import draw_answers

    note = ". ".join(filter(None, (trained_on_note(model), f"{Path(model).name}: {told}")))
    path = draw_answers(record, results, picture, note=note, leads=leads, rename=rename)
    return Ending(results, "\n".join(lines), [(path, "the ECG with the answers")])
