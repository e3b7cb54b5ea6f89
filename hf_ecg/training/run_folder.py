"""The output folder of a run: who may begin or go on in it."""

import os
import shutil
from pathlib import Path

from .recipe import Recipe, load_recipe
from .tracking import LOG_NAME

RECIPE_NAME = "recipe.yaml"
_TRACES = (RECIPE_NAME, f"{RECIPE_NAME}.incomplete", LOG_NAME, "checkpoints")

# What may differ when a run goes on: it changes no weight.
_MAY_DIFFER = (
    "run.num_workers",
    "run.num_threads",
    "run.checkpoint_every_steps",
    "run.log_every_steps",
    "run.log_with",
    "run.strict",
    "data.cache",
    "validation.batch_size",
    "validation.cache",
)


def check_output(folder: Path, resume: bool, overwrite: bool) -> None:
    """Make sure that the folder may be used; nothing in it is touched yet.

    Raises:
        ValueError: both `resume` and `overwrite`.
        OSError: it holds a run and neither is given, or it holds something else.
    """
    if resume and overwrite:
        raise ValueError("--resume and --overwrite contradict each other")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, wanted a folder")
    content = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if content:
        if not any(trace in content for trace in _TRACES):
            raise FileExistsError(f"{folder} holds {content[:5]} and no training run: choose another folder")
        if not resume and not overwrite:
            raise FileExistsError(f"{folder} holds a run: --resume latest goes on with it, --overwrite throws it away")


def begin_output(folder: Path, overwrite: bool) -> None:
    """Make the folder, without the earlier run when that is to be overwritten: called once the new one can begin."""
    if overwrite and folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)


def check_same_recipe(recipe: Recipe, folder: Path) -> None:
    """Raise when the run in `folder` was begun with a recipe that trains other weights.

    Raises:
        ValueError: naming the keys, and both values.
    """
    path = folder / RECIPE_NAME
    if not path.exists():
        return
    before, now = (_flat(_without_paths(one.to_dict())) for one in (load_recipe(path), recipe))
    differing = [
        f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
        for key in sorted(set(before) | set(now))
        if key not in _MAY_DIFFER and before.get(key) != now.get(key)
    ]
    if differing:
        raise ValueError(f"cannot resume the run in {folder}: {'; '.join(differing)}")


def _without_paths(content: dict) -> dict:
    """A corpus may have been moved: its rows are compared, wherever they lie."""
    for source in content["data"]["sources"]:
        del source["path"]
    return content


def save_recipe(recipe: Recipe, folder: Path) -> None:
    """Write the resolved recipe as one that `check_same_recipe` finds, whole or not at all."""
    temporary = folder / f"{RECIPE_NAME}.incomplete"
    recipe.save(temporary)
    os.replace(temporary, folder / RECIPE_NAME)


def _flat(value, prefix: str = "") -> dict:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        value = dict(enumerate(value))
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    return {
        name: item
        for key, nested in value.items()
        for name, item in _flat(nested, f"{prefix}.{key}" if prefix else str(key)).items()
    }
