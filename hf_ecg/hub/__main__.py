"""Cards and pushes.

    python -m hf_ecg.hub card OUT --evaluation a.json b.json --licence mit
    python -m hf_ecg.hub push OUT --repo_id me/x

`push` takes the folder of a run, of a converted checkpoint, or of a prepared corpus.
"""

import argparse
import sys
from pathlib import Path

from ..command_line import run_command
from .card_files import write_card
from .push import push_corpus, push_run


def main(arguments: list[str] | None = None) -> str:
    """Command line; returns the card's path, or the address of the commit."""
    options = parse_arguments(arguments)
    if options.action == "card":
        result = write_card(
            options.folder, options.evaluation, options.licence, options.title, dataset_id=options.dataset_id
        )
    elif (Path(options.folder) / "summary.json").is_file():
        if options.shim:
            raise ValueError(f"{options.folder} holds a corpus: --shim is for models")
        result = push_corpus(options.folder, options.repo_id, options.private, options.revision).commit_url
    else:
        result = push_run(options.folder, options.repo_id, options.private, options.shim, options.revision).commit_url
    sys.stdout.write(f"{result}\n")
    return str(result)


def parse_arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m hf_ecg.hub", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    actions = parser.add_subparsers(dest="action", required=True)
    card = actions.add_parser("card", help="write the model's card from what is in its folder")
    card.add_argument("folder", help="output folder of a run")
    card.add_argument("--evaluation", nargs="+", default=[], help="reports (JSON) that judge these weights")
    card.add_argument("--licence", "--license", help="of the weights, such as mit or cc-by-nc-4.0")
    card.add_argument("--title", help="heading (default: the model's class)")
    card.add_argument("--dataset_id", help="the evaluated corpus on the Hub, for .eval_results")
    push = actions.add_parser("push", help="one commit: model, processor, encoder/ and card, or a corpus")
    push.add_argument("folder", help="output folder of a run, converted checkpoint, or prepared corpus")
    push.add_argument("--repo_id", required=True, metavar="OWNER/NAME")
    push.add_argument("--private", action="store_true", default=None, help="of a repository that is made now")
    push.add_argument("--shim", action="store_true", help="let it load with trust_remote_code=True, too")
    push.add_argument("--revision", help="branch (default: main)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    run_command(main)
