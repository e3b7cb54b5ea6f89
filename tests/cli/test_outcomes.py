"""What a command tells in the end: to a person, to a machine, or not at all."""

import json
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
import pytest

from hf_ecg.cli import application, endings
from hf_ecg.cli.endings import call, run
from hf_ecg.cli.groups import Group
from hf_ecg.cli.options import Command
from hf_ecg.cli.outcomes import Ending, plain
from hf_ecg.progress import progress_bar, write_line
from tests.cli.all_commands import COMMANDS


@pytest.fixture
def works(monkeypatch):
    """Puts a table in the place of all commands, whose one command returns or raises what is given."""

    def use(ending):
        @click.command("works", cls=Command)
        def command():
            click.echo("from a library")
            write_line("a note")
            logging.getLogger("hf_ecg.somewhere").warning("a warning")
            warnings.warn("another warning", stacklevel=1)
            for _ in progress_bar(range(3), desc="counting"):
                pass
            if isinstance(ending, BaseException):
                raise ending
            return ending

        monkeypatch.setattr(endings, "application", click.Group("hf-ecg", {"works": command}))

    return use


def ended(*arguments):
    with pytest.raises(SystemExit) as stopped:
        run("works", arguments)
    return stopped.value.code


ENDING = Ending(
    {"auroc": np.float64(0.5), "low": float("nan"), "path": Path("a")},
    "well done",
    [("a b", "a file")],
    ["hf-ecg info"],
)


def test_a_person_reads_what_was_made_and_what_is_next(works, capsys):
    works(ENDING)
    assert run("works", []) is ENDING.result
    told = capsys.readouterr()
    assert told.out.splitlines()[1:] == ["well done", "made: a b (a file)", "next: hf-ecg info"]
    assert "a note" in told.err


def test_a_machine_reads_one_object_and_nothing_else(works, capsys):
    works(ENDING)
    run("works", ["--json"])
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "command": "hf-ecg works",
        "status": 0,
        "made": [{"path": "a b", "what": "a file"}],
        "next": ["hf-ecg info"],
        "result": {"auroc": 0.5, "low": None, "path": "a"},
    }
    assert "from a library" in told.err


def test_quiet_says_nothing_and_leaves_the_process_as_it_was(works, capfd):
    works(ENDING)
    with warnings.catch_warnings(record=True) as seen:
        run("works", ["--quiet"])
    shown = capfd.readouterr()
    assert (shown.out, shown.err, seen) == ("", "", [])
    write_line("back again")
    assert "back again" in capfd.readouterr().err and logging.root.manager.disable == logging.NOTSET


def test_quiet_and_json_are_the_object_alone(works, capfd):
    works(ENDING)
    run("works", ["--quiet", "--json"])
    shown = capfd.readouterr()
    assert json.loads(shown.out)["status"] == 0 and shown.err == ""


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError("it is\nnot so"), 1), (KeyboardInterrupt(), 130), (OSError("no such file"), 1)]
)
@pytest.mark.parametrize("quiet", [[], ["--quiet"]])
def test_an_error_is_an_object_too(works, capsys, error, status, quiet):
    works(error)
    assert ended("--json", *quiet) == status
    told = capsys.readouterr()
    found = json.loads(told.out)
    assert (found["command"], found["status"]) == ("hf-ecg works", status)
    assert found["error"] == told.err.strip().rpartition("\n")[2].removeprefix("hf-ecg works: ")


def test_a_mistake_in_the_options_is_an_object_too(works, capsys):
    works(ENDING)
    assert ended("--json", "--nonsense") == 2
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == 2 and "--nonsense" in found["error"]


def test_a_fault_of_the_program_is_an_object_and_a_traceback(works, capsys):
    works(KeyError("x"))
    with pytest.raises(KeyError):
        run("works", ["--json"])
    assert json.loads(capsys.readouterr().out) == {"command": "hf-ecg works", "status": 1, "error": "KeyError: 'x'"}


def test_what_was_made_is_told_beside_a_problem(works, capsys):
    works(Ending([1], "partly", [("a", "a file")], problem="2 of 3 refused", status=3))
    assert ended() == 3
    told = capsys.readouterr()
    assert "made: a (a file)" in told.out and "2 of 3 refused" in told.err
    assert ended("--json") == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["status"], found["error"], found["result"]) == (3, "2 of 3 refused", [1])


def test_other_processes_of_a_run_say_nothing(works, monkeypatch, capsys):
    works(ENDING)
    monkeypatch.setenv("RANK", "1")
    run("works", ["--json"])
    assert capsys.readouterr().out == ""


@dataclass
class Numbers:
    of: tuple
    which: object


def test_values_become_plain_json():
    found = plain(Numbers((np.int64(1), True, None, "x"), {1: np.array([[0.5, np.inf]]), "s": {2}}))
    assert found == {"of": [1, True, None, "x"], "which": {"1": [[0.5, None]], "s": [2]}}
    assert plain(object()).startswith("<object")


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_can_be_quiet_and_write_json(words):
    command: click.Command = application
    for word in words.split():
        assert isinstance(command, Group)
        command = command.get_command(None, word)
    names = [name for param in command.params for name in param.opts]
    assert {"--quiet", "--json"} <= set(names) and len(names) == len(set(names))


def test_next_commands_are_command_lines(tmp_path, capsys):
    record = tmp_path / "a b"
    call("simulate", ["sinus_rhythm", "--sampling_rate", "100", "--output", str(record.with_name("ab"))])
    following = capsys.readouterr().out.splitlines()[-1]
    assert following == f"next: hf-ecg plot {tmp_path / 'ab.hea'} --output ecg.png"
