"""Push to the Hub."""

from pathlib import Path

import click

from ..next_steps import line
from ..options import as_command
from ..outcomes import Ending


@as_command("push")
@click.argument("folder")
@click.option("--repo_id", required=True, metavar="OWNER/NAME", help="Repository of the Hub.")
@click.option("--private", is_flag=True, default=None, help="Make a new repository private.")
@click.option(
    "--shim", is_flag=True, help="Let it also load with trust_remote_code=True, where hf_ecg is not imported."
)
@click.option("--revision", help="Branch (default: main).")
def command(folder, repo_id, private, shim, revision) -> Ending:
    """Push in one commit: model, processor, encoder/ and card, or a corpus.

    \b
    hf-ecg push OUT --repo_id me/x

    FOLDER is the output folder of a run, a converted checkpoint, or a prepared corpus.
    """
    from ...hub import push_corpus, push_run

    if (Path(folder) / "summary.json").is_file():
        if shim:
            raise ValueError(f"{folder} holds a corpus: --shim is for models")
        address = push_corpus(folder, repo_id, private, revision).commit_url
    else:
        address = push_run(folder, repo_id, private, shim, revision).commit_url
    return Ending(str(address), made=[(address, "the commit")], next=[line("info", repo_id)])
