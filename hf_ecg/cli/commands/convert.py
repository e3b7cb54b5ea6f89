"""Convert a published checkpoint."""

import click

from ..options import as_command


@as_command("convert")
@click.argument("source")
@click.argument("file")
@click.argument("out")
def command(source, file, out) -> str:
    """Convert a published checkpoint: model, feature extractor, and a card with origin and licence.

    \b
    hf-ecg convert merl-resnet18 res18_best_ckpt.pth OUT

    SOURCE is the name of a published model, FILE its checkpoint (.pt, .pth, .ckpt, .bin, .safetensors), OUT the folder
    to make. A mistyped SOURCE lists all names.
    """
    from ...convert import write_converted

    folder = write_converted(source, file, out)
    click.echo(folder)
    return str(folder)
