"""Runs that others are made of: trained when they are not there, gone on with when they were begun."""

import shutil
from pathlib import Path

from .loop import pretrain
from .recipe import Recipe
from .run_card import RUN_NAME
from .run_folder import check_same_recipe


def is_done(folder) -> bool:
    """Whether a run's folder holds its whole model; `config.json` is what a run writes last."""
    return all((Path(folder) / name).is_file() for name in (RUN_NAME, "config.json"))


def train_once(recipe: Recipe, folder, keep_checkpoints: bool = True) -> bool:
    """Trains a run, goes on with one that was begun, and leaves one alone that is done.

    Args:
        recipe: resolved.
        folder: of the run.
        keep_checkpoints: whether the state to go on from stays when the run is done.

    Returns:
        Whether there was anything to do.

    Raises:
        ValueError: the folder holds a run of another recipe.
    """
    folder = Path(folder)
    check_same_recipe(recipe, folder)
    if is_done(folder):
        return False
    pretrain(recipe, folder, resume=folder.is_dir(), disconnect=False)
    if not keep_checkpoints:
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
    return True
