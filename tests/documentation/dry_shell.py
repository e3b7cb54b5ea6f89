"""Reads documented shell commands that are not run: their words, options, named files and recipe keys must exist."""

import re
from pathlib import Path

import click

from hf_ecg.cli import application
from hf_ecg.recipes_found import COHORTS, COMPARISONS, ENDINGS, RECIPES, SHIFTS, STAGES, SWEEPS, find_recipe
from hf_ecg.training.recipe import load_recipe

# Option of a command -> the folder of `train/` whose files it names.
NAMED = {
    ("study compare", "comparison"): COMPARISONS,
    ("study sweep", "sweep"): SWEEPS,
    ("study fg-clep", "stages"): STAGES,
    ("study shift", "spec"): SHIFTS,
    ("study cohorts", "study"): COHORTS,
    ("study judge-verifier", "recipe"): RECIPES,
    ("pretrain", "config"): RECIPES,
    ("study risk-gradient", "config"): RECIPES,
}
# What stands for a choice of the reader in a block.
_CHOICE = re.compile(r"[A-Z_]+")


def read(command: list[str], repository: Path) -> None:
    """One command as `shell.commands` notes it; what is not of this package is not looked at.

    Raises:
        ValueError: a script, a command, an option, a named file or a recipe's key does not exist.
    """
    name, *arguments = command
    if name == "accelerate":
        arguments = arguments[next(place for place, word in enumerate(arguments) if word.endswith(".py")) :]
    if name in ("python", "python3", "accelerate"):
        arguments = _words_of_script(arguments, repository)
    elif name != "hf-ecg":
        return
    if not arguments:
        return
    try:
        path, given = _parsed(arguments)
    except click.ClickException as error:
        raise ValueError(error.format_message()) from error
    for (words, option), kind in NAMED.items():
        if words == path and given.get(option) and Path(given[option]).suffix not in ENDINGS:
            find_recipe(given[option], kind)
    if "config" in given and (path, "config") in NAMED:
        overrides = [one for one in given.get("overrides") or () if not _CHOICE.fullmatch(one)]
        data = [f"data.sources.0.path={given['data']}"] if given.get("data") else []
        load_recipe(find_recipe(given["config"]), [*data, *overrides])


def _words_of_script(arguments: list[str], repository: Path) -> list[str]:
    """The command that a script of the checkout is, and what follows; nothing for other programs."""
    if not arguments[0].endswith(".py"):
        return []
    script = repository / arguments[0]
    if not script.is_file():
        raise ValueError(f"{arguments[0]} is not in the checkout")
    words = re.search(r'= script\("([^"]+)"\)', script.read_text(encoding="utf-8"))
    return [*words[1].split(), *arguments[1:]] if words else []


def _parsed(words: list[str]) -> tuple[str, dict]:
    """Words of a command, such as "study sweep", and its options and arguments; it is not started."""
    command, context, names = application, click.Context(application, info_name="hf-ecg"), []
    while isinstance(command, click.Group):
        name, command, words = command.resolve_command(context, words or ["nothing"])
        names.append(name)
        context = click.Context(command, parent=context, info_name=name)
    return " ".join(names), command.make_context(names[-1], list(words), parent=context.parent).params
