"""Convert a published checkpoint."""

import click

from ..next_steps import after_model
from ..options import Many, as_command
from ..outcomes import Ending


@as_command("convert")
@click.argument("source", required=False)
@click.argument("file", required=False)
@click.argument("out", required=False)
@click.option("--check", cls=Many, metavar="CASE_DIR", help="Hold conversions against the originals' numbers.")
@click.option("--case", metavar="NAME", help="With --check: which case it is, where the folder has another name.")
@click.option("--tokenizer", metavar="NAME", help="Of a model that reads texts: a folder or a name on the Hub.")
def command(source, file, out, check, case, tokenizer) -> Ending:
    """Convert a published checkpoint: model, feature extractor, and a card with origin and licence.

    \b
    hf-ecg convert merl-resnet18 res18_best_ckpt.pth OUT
    hf-ecg convert --check golden/merl-resnet18 golden/clef-small

    SOURCE is the name of a published model, FILE its checkpoint (.pt, .pth, .ckpt, .bin, .safetensors, or the
    .safetensors.index.json of several files), OUT the folder to make. A mistyped SOURCE lists all names. With --check
    the weights and inputs of golden cases, folders with spec.json and expected_seed<N>.npz, go through the conversion,
    and every stored array is compared with ours; then again after the model was saved and loaded. The status is 1
    where one differs, or where nothing compares one.
    """
    if check and file is None and tokenizer is None:
        return _checked(check, case or source)
    if check or case or out is None:
        raise click.UsageError("wanted SOURCE FILE OUT, or --check CASE_DIR [CASE_DIR ...]")
    from ...convert import write_converted
    from ..folder_facts import describe_folder

    folder = write_converted(source, file, out, tokenizer)
    made = [(folder, "the model, its feature extractor and its card")]
    return Ending(str(folder), made=made, next=after_model(folder, describe_folder(folder)))


def _checked(folders, name) -> Ending:
    from ...golden_cases.report import as_lines
    from ...golden_check import check_case, seeds_and_name

    for folder in folders:
        seeds_and_name(folder, name)  # a slip in the last of them is told before the first takes its minute
    reports = []
    for folder in folders:
        for report in check_case(folder, name):
            click.echo("\n".join(as_lines(report)))
            reports.append(report)
    failed = [f"{report.folder} (seed {report.seed})" for report in reports if not report.passes]
    problem = f"{len(failed)} of {len(reports)} cases fail: {', '.join(failed)}" if failed else ""
    return Ending(reports, "" if failed else f"{len(reports)} of {len(reports)} cases pass", problem=problem, status=1)
