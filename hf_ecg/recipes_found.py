"""The YAML files of `train/` by name, in a checkout and in an installed package."""

from pathlib import Path

from .checks import nearest

RECIPES, COMPARISONS, STAGES, SWEEPS = "recipes", "comparisons", "stages", "sweeps"
LANGUAGE_MODELS, SHIFTS, COHORTS = "language_models", "shifts", "cohorts"
ENDINGS = (".yaml", ".yml")


def find_recipe(name: str | Path, kind: str = RECIPES) -> Path:
    """The file that a recipe's name stands for.

    Args:
        name: such as "clep_ptb_xl" or "ssl/simclr"; or a path, which is anything that ends in .yaml or .yml or has
            a folder in it.
        kind: "recipes", "comparisons", "stages", "sweeps", "language_models", "shifts" or "cohorts".

    Raises:
        ValueError: no recipe of that name; the message has the nearest and all of them.
        OSError: the path is not there.

    Example:
        >>> from hf_ecg.recipes_found import find_recipe
        >>> find_recipe("clep_ptb_xl").name
        'clep_ptb_xl.yaml'
    """
    path = Path(name)
    known = recipe_names(kind)
    if str(name) in known and not path.exists():
        return _folder(kind) / f"{name}{ENDINGS[0]}"
    if path.suffix in ENDINGS or len(path.parts) > 1:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there; a name without folder and .yaml stands for a packaged file")
        return path
    if str(name) not in known:
        raise ValueError(f"there is no file {name!r} among the {kind}{nearest(name, known)}, only {', '.join(known)}")
    return _folder(kind) / f"{name}{ENDINGS[0]}"


def recipe_names(kind: str = RECIPES) -> list[str]:
    """All that `find_recipe` knows by name."""
    folder = _folder(kind)
    return sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob(f"*{ENDINGS[0]}"))


def _folder(kind: str) -> Path:
    package = Path(__file__).parent
    installed = package / kind
    return installed if installed.is_dir() else package.parent / "train" / kind
