"""Push to the Hub."""

from pathlib import Path

import click

from ..next_steps import line
from ..options import as_command
from ..outcomes import Ending


@as_command("push")
@click.argument("folder")
@click.option("--repo_id", metavar="OWNER/NAME", help="Repository of the Hub.")
@click.option("--private", is_flag=True, default=None, help="Make a new repository private.")
@click.option(
    "--shim", is_flag=True, help="Let it also load with trust_remote_code=True, where hf_ecg is not imported."
)
@click.option("--revision", help="Branch (default: main).")
@click.option("--space", is_flag=True, help="Push a Space that shows the model in the browser, as `hf-ecg demo` does.")
@click.option("--dry_run", metavar="NEW_FOLDER", help="With --space: write the files there, and push nothing.")
def command(folder, repo_id, private, shim, revision, space, dry_run) -> Ending:
    """Push in one commit: model, processor, encoder/ and card, or a corpus; or a Space that shows a model.

    \b
    hf-ecg push OUT --repo_id me/x
    hf-ecg push OUT --space --repo_id me/x-demo
    hf-ecg push ecg-text-small --space --dry_run my_space

    FOLDER is the output folder of a run, a converted checkpoint, or a prepared corpus. For a Space it may also be a
    model inside the package or a Hub id.
    """
    from ...hub import push_corpus, push_run, push_space, write_space
    from ...pretrained_models import model_source

    if dry_run is not None and not space:
        raise click.UsageError("--dry_run goes with --space")
    if repo_id is None and dry_run is None:
        raise click.UsageError("wanted --repo_id OWNER/NAME, the repository of the Hub")
    if space:
        if shim:
            raise ValueError("--shim is for models, and --space pushes a page")
        model = model_source(folder)
        if dry_run is not None:
            written = write_space(model, dry_run)
            return Ending(str(written), made=[(written, "the files of a Space")])
        address = push_space(model, repo_id, private, revision).commit_url
        return Ending(str(address), made=[(address, "the commit")])

    if (Path(folder) / "summary.json").is_file():
        if shim:
            raise ValueError(f"{folder} holds a corpus: --shim is for models")
        address = push_corpus(folder, repo_id, private, revision).commit_url
    else:
        address = push_run(folder, repo_id, private, shim, revision).commit_url
    return Ending(str(address), made=[(address, "the commit")], next=[line("info", repo_id)])
