"""The folder of a prepared corpus: where one may be written, and the place beside it where it is made."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import DatasetCard
from transformers.utils import logging

from ..cards import CARD_NAME
from ..files import naming_the_file, restore_folder
from ..hidden_places import INCOMPLETE
from ..locks import output_lock
from ..owned_folders import check_replaceable, claim, is_ours
from .corpus_card import SUMMARY_NAME
from .shards import FINISHED, NOTES

logger = logging.get_logger(__name__)

KIND, _BEGUN = "corpus", "corpus in the making"
# What stands in a corpus of an earlier version, whose marker does not list it.
WRITTEN = (r"README\.md|summary\.json|verification\.(json|md)", r"[^/]+/[^/]+-\d{5}-of-\d{5}\.parquet")


def check_output(output_dir, overwrite: bool, inputs: Iterable = ()) -> None:
    """Raises OSError unless a corpus may be written to the folder.

    Args:
        output_dir: folder to make.
        overwrite: a corpus that is there may be replaced, but none around one of the inputs.
        inputs: folders that the corpus is made of.
    """
    output_dir = Path(output_dir)
    if output_dir.is_symlink() and not output_dir.exists():
        raise OSError(f"{output_dir} is a link to {os.path.realpath(output_dir)}, which is not there")
    if not output_dir.exists() or (output_dir.is_dir() and not any(output_dir.iterdir())):
        return
    if not is_ours(output_dir, KIND) and not _is_older_corpus(output_dir):
        raise FileExistsError(f"{output_dir} is there and is not a prepared corpus: choose another folder")
    if not overwrite:
        raise FileExistsError(f"{output_dir} is there already: choose another folder, or --overwrite it")
    check_replaceable(output_dir, inputs)


def _is_older_corpus(folder: Path) -> bool:
    """Whether a folder without a marker is a corpus of an earlier version: summary, card and shards of one config."""
    try:
        summary = json.loads((folder / SUMMARY_NAME).read_bytes())
        front = DatasetCard.load(folder / CARD_NAME).data.to_dict()
        names = [entry["config_name"] for entry in front["configs"]]
        found = [summary["config"], *summary["rows"]]
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return found[0] in names and any((folder / found[0]).glob("*-of-*.parquet"))


@contextmanager
def workplace(output_dir: Path) -> Iterator[Path]:
    """A folder beside `output_dir` that is this process's alone; restores a former corpus.

    It is gone at the end, unless an error leaves finished shards in it.
    """
    real = Path(os.path.realpath(output_dir))
    temporary = real.with_name(f".{real.name}{INCOMPLETE}")
    with output_lock(real):
        restore_folder(real)
        claim(temporary, _BEGUN, KIND)
        try:
            with naming_the_file(temporary):
                yield temporary
        finally:
            if any((temporary / NOTES).glob(f"*{FINISHED}")):
                logger.warning("finished shards are kept in %s: the same command goes on with them", temporary)
            else:
                shutil.rmtree(temporary, ignore_errors=True)
