"""Convert a published checkpoint."""

import click

from ..next_steps import line
from ..options import as_command
from ..outcomes import Ending

DISAGREES = 1


@as_command("convert")
@click.argument("source")
@click.argument("file", required=False)
@click.argument("out", required=False)
@click.option("--check", metavar="CASE_DIR", help="Hold it against a golden case of the original's numbers.")
def command(source, file, out, check) -> Ending:
    """Convert a published checkpoint: model, feature extractor, and a card with origin and licence.

    \b
    hf-ecg convert merl-resnet18 res18_best_ckpt.pth OUT
    hf-ecg convert merl-resnet18 --check golden/merl-resnet18

    SOURCE is the name of a published model, FILE its checkpoint (.pt, .pth, .ckpt, .bin, .safetensors), OUT the folder
    to make. A mistyped SOURCE lists all names. With --check the weights and the input of a golden case, a folder with
    spec.json and expected_seed0.npz, go through the conversion first; the status is 1 where the outputs differ.
    """
    if (file is None) != (out is None) or (file is None and check is None):
        raise click.UsageError("wanted SOURCE FILE OUT, or SOURCE --check CASE_DIR, or both")
    told, differs = [], False
    if check is not None:
        from ...golden_check import check_conversion

        for one in check_conversion(source, check):
            figures = f"{one.output}: at most {one.difference:.1e} off, in values up to {one.size:.3g}"
            told.append(figures + ("" if one.agrees else ": they differ"))
            differs |= not one.agrees
    told = "\n".join(told)
    if differs:
        return Ending(told=told, problem=f"{source} does not give the numbers of {check}", status=DISAGREES)
    if file is None:
        return Ending(told=told, next=[line("convert", source, "CHECKPOINT", "OUT")])
    from ...convert import write_converted

    folder = write_converted(source, file, out)
    made = [(folder, "the model, its feature extractor and its card")]
    return Ending(
        str(folder), told, made, [line("embed", "RECORDS", "--model", folder, "--output", "embeddings.parquet")]
    )
