"""Show why a model answers as it does."""

from pathlib import Path

import click

from ..model_names import MODEL_NAME
from ..next_steps import TWELVE_LEADS_MODEL, line, spoken
from ..options import CHANNELS, COVARIATES, as_command
from ..outcomes import Ending
from ..words import EXPLANATIONS


@as_command("explain")
@click.argument("record", metavar="FILE")
@click.option(
    "--model",
    type=MODEL_NAME,
    default=TWELVE_LEADS_MODEL,
    show_default=True,
    help="A folder, packaged name or Hub id.",
)
@click.option("--class", "class_name", help="Of a classifier: the class to explain.")
@click.option("--text", help='For a model of ECGs and texts: the words to explain, such as "atrial fibrillation".')
@click.option(
    "--method",
    type=click.Choice(EXPLANATIONS),
    default=EXPLANATIONS[0],
    show_default=True,
    help="Which samples, which beats of which leads, or what a transformer looks at.",
)
@click.option("--output", required=True, help=".png or .svg file: the ECG on paper, coloured.")
@click.option("--check", is_flag=True, help="Compare with models that learned nothing: their pictures must differ.")
@CHANNELS
@click.option("--lead", help="The lead that a model of one lead sees.")
@click.option("--start", type=float, default=0.0, show_default=True, help="Seconds from the beginning.")
@click.option("--seconds", type=float, help="Length of the stretch (default: what the model sees at once).")
@COVARIATES
def command(record, model, class_name, text, method, output, check, covariates, **of_record) -> Ending:
    """Show which parts of an ECG speak for a class or a text (red), and which against it (blue).

    \b
    hf-ecg explain record.hea --text "atrial fibrillation" --output why.png
    hf-ecg explain record.dcm --model FINETUNED --class AF --method occlusion --output why.svg --check

    The numbers by lead and by beat are in the result (--json). With --check the command fails when models with random
    weights give nearly the same picture, for it then shows the record and not what the model learned.
    """
    from ...explanation import explain, weights_matter
    from ...plotting.picture_files import draw_explanation
    from ...pretrained_models import load_pretrained
    from ...trained_on import trained_on_note

    asked = {"class_name": class_name, "text": text, "method": method, "covariates": covariates, **of_record}
    loaded = load_pretrained(model)
    found = explain(record, loaded, **asked)
    result, status = found.summary(), {}
    if check:
        checked = result["check"] = weights_matter(record, loaded, **asked)
        if not checked["passed"]:
            told = f"rank correlation with random weights {checked['largest']:.2f}, wanted below {checked['bound']}"
            status = {"problem": f"the picture does not come from what the model learned: {told}", "status": 3}
    path = draw_explanation(found, output, note=trained_on_note(model))
    following = [line("evaluate", "classify", record, "--model", spoken(model))] if class_name else []
    made = [(path, f"why {Path(spoken(model)).name} answers so")]
    return Ending(result, "\n".join(_lines(result)), made, following, **status)


def _lines(result: dict) -> list[str]:
    lines = []
    if result["score"] is not None:
        chance = "" if result["probability"] is None else f"  probability {result['probability']:.3g}"
        lines.append(f"{result['asked']}: {result['unit']} {result['score']:.3f}{chance}")
    lines += [f"{lead:<4} {value:+8.3f}" for lead, value in result["by_lead"].items()]
    if "check" in result:
        lines.append(f"rank correlation with random weights: {result['check']['largest']:.2f} at most")
    return lines + [f"note: {remark}" for remark in result["remarks"]]
