"""The output folder of a run: who may begin or go on in it, and whose checkpoints lie there."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ..files import atomic_path, values_digest
from ..locks import LOCK_INSIDE
from ..owned_folders import check_replaceable, is_ours, mark, read_marker, remove_ours
from .checkpoint import load_state
from .log_file import LOG_NAME, read_log
from .recipe import Recipe, load_recipe

RECIPE_NAME = "recipe.yaml"
KIND = "training run"
# What a run writes, as regular expressions. What else lies in its folder is somebody's: reports, pictures, notes.
MODEL_FILES = r"(config|generation_config|preprocessor_config|processor_config|special_tokens_map|added_tokens)\.json"
MODEL_FILES += r"|(tokenizer|tokenizer_config|vocab)\.json|vocab\.txt|merges\.txt|tokenizer\.model|spiece\.model"
MODEL_FILES += r"|sentencepiece\.bpe\.model|model(-\d+-of-\d+)?\.safetensors|model\.safetensors\.index\.json"
_WRITTEN = (
    rf"(encoder/)?({MODEL_FILES})",
    r"encoder/|checkpoints/",
    r"checkpoints/(last|best)(/(state\.pt|progress\.json)?)",
    rf"README\.md|training_(facts|run)\.json|{re.escape(RECIPE_NAME)}|{re.escape(LOG_NAME)}|refused\.jsonl",
    r"hf_ecg/([^/]*/)?(events\.out\.tfevents\.[^/]*|hparams\.yml)",
)
_FOLDERS = ("encoder", "checkpoints", "checkpoints/last", "checkpoints/best")

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


def check_output(folder: Path, resume: bool, overwrite: bool, inputs: Iterable = ()) -> None:
    """Make sure that the folder may be used; nothing in it is touched yet.

    Args:
        folder: of the run.
        resume, overwrite: what is asked for.
        inputs: paths that the run reads; `overwrite` takes no folder around one.

    Raises:
        ValueError: both `resume` and `overwrite`.
        OSError: it holds a run and neither is given, or it holds something else; what is never overwritten.
    """
    if resume and overwrite:
        raise ValueError("--resume and --overwrite contradict each other")
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder} is a file, wanted a folder")
    content = sorted({path.name for path in folder.iterdir()} - {LOCK_INSIDE}) if folder.is_dir() else []
    if content:
        if not is_ours(folder, KIND) and not _is_older_run(folder):
            raise FileExistsError(f"{folder} holds {content[:5]} and no training run: choose another folder")
        if not resume and not overwrite:
            raise FileExistsError(f"{folder} holds a run: --resume latest goes on with it, --overwrite throws it away")
        if overwrite:
            check_replaceable(folder, inputs)
            for inner in _FOLDERS:
                if (folder / inner).is_symlink():
                    raise OSError(
                        f"{folder / inner} is a link to {os.path.realpath(folder / inner)}: nothing is overwritten"
                        " through links, remove it"
                    )


def begin_output(folder: Path, overwrite: bool, recipe: Recipe | None = None, rows: dict | None = None) -> None:
    """Make the folder, without the earlier run when that is to be overwritten: called once the new one can begin.

    Only what runs write is removed; other files stay, and a warning names them.

    Args:
        folder: of the run.
        overwrite: remove the earlier run.
        recipe, rows: all that decides what the weights will be. Their digest is what a new run is called in its marker
            and its checkpoints; without them it has a random name.
    """
    if overwrite and folder.exists():
        remove_ours(folder, _WRITTEN)
    folder.mkdir(parents=True, exist_ok=True)
    identity = None
    if recipe is not None and run_identity(folder) is None:
        identity = values_digest([recipe_values(recipe), rows])
    mark(folder, KIND, identity)


def run_identity(folder: Path) -> str | None:
    """Which run a folder holds; None for one of a version that did not say so."""
    marker = read_marker(folder)
    return marker["id"] if marker is not None and marker["kind"] == KIND else None


def load_best(place: Path, run: str | None, step: int | None) -> dict:
    """The state in `checkpoints/best`, when it is what this run chose.

    Args:
        place: of the checkpoint.
        run: identity of this run.
        step: that the run says its best weights are of; None where this process does not know.

    Raises:
        ValueError: it is of another run, or of another step, or damaged.
        OSError: it is gone.
    """
    found = load_state(place)
    if found is None:
        raise FileNotFoundError(f"{place} is gone, which holds the weights of step {step}")
    state, saved = found
    if saved.get("run", run) != run:
        raise ValueError(f"{place} is of the run {saved['run']}, this one is {run}: another run wrote it here")
    if step is not None and saved["best_step"] != step:
        raise ValueError(f"{place} is of step {saved['best_step']}, this run chose step {step}: another run wrote it")
    return state


def _is_older_run(folder: Path) -> bool:
    """Whether a folder without a marker holds a run of an earlier version: its resolved recipe beside its log."""
    try:
        load_recipe(folder / RECIPE_NAME)
        lines = read_log(folder)
    except (OSError, ValueError):
        return False
    # a recipe beside an empty log may be anybody's
    return bool(lines) and all({"kind", "step", "epoch"} <= set(line) for line in lines)


def check_same_run(saved: Mapping, run: str, identity: Mapping, checkpoint) -> None:
    """Refuse a checkpoint of another run, or of other rows, processes or frozen weights.

    Args:
        saved: what stands in the checkpoint.
        run: identity of the folder's run, see `run_identity`.
        identity: what must be as it was for a run to go on bit for bit.
        checkpoint: folder, for the message.

    Raises:
        ValueError: what differs.
    """
    if (of := saved.get("run", run)) != run:
        raise ValueError(f"cannot resume: {checkpoint} is of the run {of}, not {run}")
    for key, value in identity.items():
        if key != "hf_ecg_version" and saved.get(key) != value:
            older = "" if "run" in saved else ": an earlier version of hf_ecg began the run, finish it with that"
            raise ValueError(f"cannot resume: {key} was {saved.get(key)} and is now {value}{older}")


def check_same_recipe(recipe: Recipe, folder: Path) -> None:
    """Raise when the run in `folder` was begun with a recipe that trains other weights.

    Raises:
        ValueError: naming the keys, and both values.
    """
    path = folder / RECIPE_NAME
    if not path.exists():
        return
    before, now = (recipe_values(one) for one in (load_recipe(path), recipe))
    differing = [
        f"{key} was {before.get(key)!r} and is now {now.get(key)!r}"
        for key in sorted(set(before) | set(now))
        if before.get(key) != now.get(key)
    ]
    if differing:
        raise ValueError(f"cannot resume the run in {folder}: {'; '.join(differing)}")


def recipe_values(recipe: Recipe) -> dict:
    """What decides which weights a recipe trains, by dotted keys: neither places of corpora nor what only tells."""
    values = _flat(_without_paths(recipe.to_dict()))
    return {key: value for key, value in values.items() if key not in _MAY_DIFFER}


def _without_paths(content: dict) -> dict:
    """A corpus may have been moved: its rows are compared, wherever they lie."""
    for source in content["data"]["sources"]:
        del source["path"]
    return content


def save_recipe(recipe: Recipe, folder: Path) -> None:
    """Write the resolved recipe as one that `check_same_recipe` finds, whole or not at all."""
    with atomic_path(folder / RECIPE_NAME) as path:
        recipe.save(path)


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
