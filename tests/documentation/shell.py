"""Runs documented shell commands in this process, on tiny data, with the options that are written there.

bash itself reads the blocks (variables, loops, continued lines), but `python`, `make` and the like are stand-ins that
write down what they were called with. Every command noted is then run here: a script of the checkout as `__main__`
with exactly its documented arguments, after which come those of `TINY`, which make it small and change nothing else
(for both argparse and recipes the last value counts). So an option or a recipe's key that was renamed is an error.
"""

import contextlib
import glob
import io
import os
import re
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import yaml
from accelerate.commands.launch import launch_command_parser
from accelerate.state import AcceleratorState

from hf_ecg.cli import run as run_command
from hf_ecg.recipes_found import find_recipe
from tests.documentation.workspace import TEXT_TOWER, WIDTHS

STAND_INS = ("python", "python3", "hf-ecg", "make", "pip", "accelerate")
_NOTE = """#!/bin/bash
printf '%s\\x1f' "${0##*/}" "$@" >> "$COMMANDS"
printf '\\x1e' >> "$COMMANDS"
"""
_ASSIGNMENT = re.compile(r"^\w+=(\"[^\"]*\"|'[^']*'|\S*)\s*(#.*)?$", re.MULTILINE)
_SHORT = ["run.epochs=1", "run.num_workers=0", "run.num_threads=1"]
_EVALUATION = ["--minimum", "1", "--bootstrap", "10", "--device", "cpu"]


def _tiny_training(arguments: list[str]) -> list[str]:
    with find_recipe(arguments[arguments.index("--config") + 1]).open(encoding="utf-8") as file:
        recipe = yaml.safe_load(file)
    config = recipe["model"]["config"]
    ecg = "model.config.ecg_config" if "ecg_config" in config else "model.config"
    # what else is given for each stage stays
    stages = len(config.get("ecg_config", config).get("depths", WIDTHS))
    tiny = [f"{ecg}.widths={WIDTHS[-stages:]}", f"{ecg}.depths={[1] * stages}", *_SHORT]
    if "init_from" in recipe["model"]:
        tiny += [f"model.init_from.text_model={TEXT_TOWER}", f"processor.tokenizer={TEXT_TOWER}"]
        tiny += ["model.config.projection_dim=8"]
    if (recipe.get("validation") or {}).get("name") in ("label_text", "classification"):
        tiny += ["validation.minimum=1"]
    return tiny


# Words of a command -> what is added to its arguments; a new one that is quick as it is needs no entry.
TINY = {
    "pretrain": _tiny_training,
    "evaluate zero-shot": lambda arguments: _EVALUATION,
    "finetune": lambda arguments: [*_EVALUATION[:4], *_SHORT],
    "evaluate probe": lambda arguments: [*_EVALUATION, "--fractions", "50,100", "--strengths", "1"],
    "evaluate robustness": lambda arguments: _EVALUATION,
    "evaluate simplicity-bias": lambda arguments: [*_EVALUATION, "--positives", "3", "--draws", "1"],
    "evaluate benchmark": lambda arguments: [*_EVALUATION, "--fractions", "50,100", "--strengths", "1"],
}
SCRIPTS = {
    "train/pretrain.py": "pretrain",
    "train/zero_shot.py": "evaluate zero-shot",
    "train/finetune.py": "finetune",
    "train/linear_probe.py": "evaluate probe",
    "train/benchmark.py": "evaluate benchmark",
}


def assignments(code: str) -> str:
    """Variables that a block sets for the blocks after it."""
    return "\n".join(match[0] for match in _ASSIGNMENT.finditer(code))


def commands(code: str, before: str, folder: Path, others: bool = False) -> list[list[str]]:
    """What bash would call, one list of words a command.

    Args:
        code: of the block.
        before: variables of earlier blocks.
        folder: for the stand-ins; the block runs there.
        others: pass over commands without a stand-in; those of the system are not started.

    Raises:
        ValueError: bash cannot read the block, or meets a command without a stand-in.
    """
    places = folder / ".stand_ins"
    places.mkdir(exist_ok=True)
    for name in STAND_INS:
        (places / name).write_text(_NOTE)
        (places / name).chmod(0o755)
    noted = places / "commands"
    noted.write_text("")
    environment = {"PATH": f"{places}:/usr/bin:/bin", "COMMANDS": str(noted), "HOME": str(folder)}
    options = ["-e", "-u"]
    if others:
        environment["PATH"] = str(places)
        before, code, options = f"command_not_found_handle() {{ :; }}\n{before}", f"{code}\n:", ["-u"]
    done = subprocess.run(
        ["/bin/bash", *options, "-c", f"{before}\n{code}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise ValueError(
            f"bash: {done.stderr.strip()} (tests/documentation/shell.py runs {', '.join(STAND_INS)}; a block of other"
            " commands is marked <!-- not run: REASON -->)"
        )
    return [entry.split("\x1f")[:-1] for entry in noted.read_text().split("\x1e")[:-1]]


def run(command: list[str], folder: Path, repository: Path) -> None:
    """Runs one command in `folder`.

    Raises:
        ValueError: it does not exist, or does not end well; the message holds what it wrote.
    """
    name, *arguments = command
    arguments = [found for word in arguments for found in (sorted(glob.glob(word)) or [word])]
    if name == "make":
        done = subprocess.run(["make", "-n", *arguments], cwd=repository, capture_output=True, text=True)
        if done.returncode:
            raise ValueError(f"make -n {' '.join(arguments)}: {done.stderr}")
    elif name == "pip":
        _check_extras(arguments, repository)
    elif name == "accelerate":
        parsed = launch_command_parser().parse_args(arguments[1:])
        if arguments[0] != "launch" or not Path(parsed.training_script).is_file():
            raise ValueError(f"{arguments[0]} {parsed.training_script}: wanted launch and a script of the checkout")
    elif name == "hf-ecg":
        words = next((words for words in TINY if arguments[: len(words.split())] == words.split()), "")
        _run(f"hf-ecg {words}".strip(), run_command, arguments, words)
    else:
        _run_python(arguments)


def _run_python(arguments: list[str]) -> None:
    if arguments[0] == "-m":
        target, rest = arguments[1], arguments[2:]
        start = lambda: runpy.run_module(target, run_name="__main__", alter_sys=True)  # noqa: E731
    elif arguments[0] == "-c":
        target, rest = "-c", arguments[2:]
        start = lambda: exec(compile(arguments[1], "-c", "exec"), {"__name__": "__main__"})  # noqa: E731
    else:
        target, rest = arguments[0], arguments[1:]
        start = lambda: runpy.run_path(target, run_name="__main__")  # noqa: E731
    _run(f"python {target}", start, rest, SCRIPTS.get(target, ""), target)


def _run(title: str, start, rest: list[str], words: str, target: str = "hf-ecg") -> None:
    """Calls `start` as the program `target` with the arguments, made small, and nothing of what it writes is seen."""
    rest += TINY[words](rest) if words else []
    AcceleratorState._reset_state(reset_partial_state=True)
    written, argv = io.StringIO(), sys.argv
    sys.argv = [target, *rest]
    try:
        with contextlib.redirect_stdout(written), contextlib.redirect_stderr(written), warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the module was imported before, as itself
            start()
    except SystemExit as end:
        if end.code not in (None, 0):
            raise ValueError(f"{title} {' '.join(rest)}\nended with {end.code}: {written.getvalue()[-2000:]}") from end
    except Exception as error:
        raise ValueError(f"{title} {' '.join(rest)}\n{type(error).__name__}: {error}") from error
    finally:
        sys.argv = argv
        AcceleratorState._reset_state(reset_partial_state=True)


def _check_extras(arguments: list[str], repository: Path) -> None:
    settings = (repository / "pyproject.toml").read_text(encoding="utf-8")
    extras = re.search(r"\[project.optional-dependencies\]\n(.*?)\n\[", settings, re.DOTALL)[1]
    known = re.findall(r"^(\w+) = ", extras, re.MULTILINE)
    for word in arguments:
        for extra in (re.search(r"\[([\w, ]+)\]", word) or ["", ""])[1].split(","):
            if extra.strip() and extra.strip() not in known:
                raise ValueError(f"pip {' '.join(arguments)}: there is no extra {extra!r}, only {known}")


def work_in(folder: Path):
    """The working directory, for a while."""
    return contextlib.chdir(folder) if hasattr(contextlib, "chdir") else _chdir(folder)


@contextlib.contextmanager
def _chdir(folder: Path):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
