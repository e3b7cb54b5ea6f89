"""Convert a published checkpoint."""

import click

from ..endings import EndsWith
from ..options import as_command

DISAGREES = 1


@as_command("convert")
@click.argument("source")
@click.argument("file", required=False)
@click.argument("out", required=False)
@click.option("--check", metavar="CASE_DIR", help="Hold it against a golden case of the original's numbers.")
def command(source, file, out, check) -> str | None:
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
    if check is not None:
        from ...golden_check import check_conversion

        found = check_conversion(source, check)
        for one in found:
            told = f"{one.output}: at most {one.difference:.1e} off, in values up to {one.size:.3g}"
            click.echo(told + ("" if one.agrees else ": they differ"))
        if not all(one.agrees for one in found):
            raise EndsWith(f"{source} does not give the numbers of {check}", DISAGREES)
    if file is None:
        return None
    from ...convert import write_converted

    folder = write_converted(source, file, out)
    click.echo(folder)
    return str(folder)
