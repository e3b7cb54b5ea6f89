"""Runs that others are made of: trained when they are not there, gone on with when they were begun."""

import shutil
from pathlib import Path

from .build import data_identity
from .loop import pretrain
from .recipe import Recipe
from .run_card import RUN_NAME, read_run
from .run_folder import check_same_recipe


def is_done(folder) -> bool:
    """Whether a run's folder holds its whole model; `config.json` is what a run writes last."""
    return all((Path(folder) / name).is_file() for name in (RUN_NAME, "config.json"))


def check_same_rows(recipe: Recipe, folder) -> None:
    """Raise when the finished run in a folder saw other rows than those that lie at the recipe's paths now.

    Raises:
        ValueError: another corpus, or the same one prepared anew in another way.
    """
    before = read_run(folder).get("rows")
    if before is not None and before != data_identity(recipe):
        paths = ", ".join(str(source.path) for source in recipe.data.sources)
        raise ValueError(
            f"{folder} holds a run on other rows than those of {paths}: choose another folder, or remove it"
        )


def train_once(recipe: Recipe, folder, keep_checkpoints: bool = True) -> bool:
    """Trains a run, goes on with one that was begun, and leaves one alone that is done.

    Args:
        recipe: resolved.
        folder: of the run.
        keep_checkpoints: whether the state to go on from stays when the run is done.

    Returns:
        Whether there was anything to do.

    Raises:
        ValueError: the folder holds a run of another recipe, or on other rows.
    """
    folder = Path(folder)
    check_same_recipe(recipe, folder)
    if is_done(folder):
        check_same_rows(recipe, folder)
        return False
    pretrain(recipe, folder, resume=folder.is_dir(), disconnect=False)
    if not keep_checkpoints:
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return True
