"""Export a model as ONNX."""

import click

from ..options import Many, as_command
from ..outcomes import Ending


@as_command("export")
@click.argument("model")
@click.argument("out")
@click.option("--int8", is_flag=True, help="Also write the network in whole numbers, model_quantized.onnx.")
@click.option("--calibration", cls=Many, metavar="FILE", help="With --int8: recordings that tell the ranges.")
@click.option("--lead", help="Of the recordings, for a single-lead model.")
@click.option("--texts", cls=Many, metavar="TEXT", help="Of a dual encoder: what an ECG is compared with.")
def command(model, out, int8, calibration, lead, texts) -> Ending:
    """Write a model as ONNX, to be run by onnxruntime without torch.

    \b
    hf-ecg export ecg-text-small OUT --texts "atrial fibrillation" "sinus rhythm"
    hf-ecg export MODEL OUT --int8 --calibration record.hea

    MODEL is a folder, a model of the package or of the Hub; OUT the folder to make. It holds model.onnx, config.json,
    preprocessor_config.json, export.json and a card; export.json says how far the numbers are from torch's.
    """
    from ...export import export_model

    folder = export_model(model, out, int8=int8, calibration=calibration, lead=lead, texts=texts)
    return Ending(str(folder), made=[(folder, "the ONNX file, its recipe and its card")])
