"""Help is quick, complete, and imports nothing that is heavy."""

import json
import os
import subprocess
import sys

import click
import pytest

from hf_ecg.cli import application, call
from tests.cli.all_commands import COMMANDS

HEAVY = ("torch", "transformers", "datasets", "numpy", "scipy", "sklearn", "pandas", "matplotlib", "huggingface_hub")
WATCHED = f"""
import json, runpy, sys
door, *sys.argv = sys.argv[1:]
try:
    runpy.run_path(door, run_name="__main__")
finally:
    sys.stderr.write(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))
"""
ASKED = ["", "prepare", *COMMANDS]
FORKED = """
import json, os, sys
code, door, folder = sys.argv[1:]
import hf_ecg.cli  # the same of every command
statuses = []
for number, words in enumerate(json.load(open(f"{folder}/asked.json"))):
    if (child := os.fork()) == 0:
        for place, end in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{folder}/{number}.{end}", os.O_WRONLY | os.O_CREAT), place)
        sys.argv, status = ["-c", door, "hf-ecg", *words.split(), "--help"], 0
        try:
            exec(code, {"__name__": "__main__"})
        except SystemExit as stopped:
            status = stopped.code or 0
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    statuses.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(json.dumps(statuses))
"""


@pytest.fixture(scope="module")
def hf_ecg_command(repository):
    """Runs the console script's module in a new process, with what else it is asked."""

    def start(*arguments, code=None):
        door = str(repository / "hf_ecg_command.py")
        line = [sys.executable, *(["-c", code, door, "hf-ecg"] if code else [door]), *arguments]
        environment = {**os.environ, "PYTHONPATH": str(repository), "COLUMNS": "200"}
        return subprocess.run(line, capture_output=True, text=True, env=environment)

    return start


@pytest.fixture(scope="module")
def helped(repository, tmp_path_factory):
    """Of each command the status of its help, what it says and the heavy modules that it brings.

    Each is a fork of one bare Python, which has imported the table of commands and nothing else.
    """
    folder = tmp_path_factory.mktemp("help")
    (folder / "asked.json").write_text(json.dumps(ASKED))
    environment = {**os.environ, "PYTHONPATH": str(repository), "COLUMNS": "200"}
    line = [sys.executable, "-c", FORKED, WATCHED, str(repository / "hf_ecg_command.py"), str(folder)]
    statuses = json.loads(subprocess.run(line, capture_output=True, text=True, env=environment, check=True).stdout)
    texts = [[(folder / f"{number}.{end}").read_text() for end in ("out", "err")] for number in range(len(ASKED))]
    return {words: (status, *both) for words, status, both in zip(ASKED, statuses, texts, strict=True)}


@pytest.mark.parametrize("words", ASKED)
def test_help_imports_nothing_heavy(helped, words):
    status, told, heavy = helped[words]
    assert status == 0 and json.loads(heavy) == []
    assert told.startswith(f"Usage: {' '.join(['hf-ecg', *words.split()])} ")


@pytest.mark.parametrize("words", ["", "pretrain", "prepare mimic_iv_ecg"])
def test_help_takes_less_than_seven_tenths_of_a_second(hf_ecg_command, words):
    # seconds of the processor, not of the clock: what other processes take from the machine is not the command's
    before = os.times()
    hf_ecg_command(*words.split(), "--help")
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    assert 0 < used <= 0.7


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_says_what_it_is(words, capsys):
    call(words, ["--help"])
    told = capsys.readouterr().out
    group = application
    for word in words.split():
        group = group.get_command(None, word)
    assert group.name == words.split()[-1] and f"hf-ecg {words}" in told.partition("\n\nExamples:\n")[2]
    silent = [param.name for param in group.params if isinstance(param, click.Option) and not param.help]
    assert silent == []


def test_an_unknown_command_names_the_nearest(hf_ecg_command):
    done = hf_ecg_command("prepair", "ptb_xl", code=WATCHED)
    assert done.returncode == 2 and "did you mean 'prepare'?" in done.stderr and done.stderr.endswith("\n[]")


def test_a_mistake_in_the_options_imports_nothing_heavy(hf_ecg_command):
    done = hf_ecg_command("embed", "record.hea", "--modell", "out", code=WATCHED)
    assert done.returncode == 2 and done.stderr.endswith("\n[]")
    assert done.stderr.startswith("hf-ecg embed: No such option '--modell'. Did you mean '--model'?")
