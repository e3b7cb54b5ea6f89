"""Users' mistakes end a command with a sentence; other errors keep their traceback."""

import runpy
import sys

import pytest

from hf_ecg.command_line import run_command


def raising(error):
    def main():
        raise error

    return main


def test_a_mistake_is_told_in_a_sentence():
    with pytest.raises(SystemExit, match="^FileNotFoundError: corpus is not there$"):
        run_command(raising(FileNotFoundError("corpus is not there")))


def test_a_stop_by_the_keyboard_is_no_traceback(capsys):
    with pytest.raises(SystemExit) as stopped:
        run_command(raising(KeyboardInterrupt()))
    assert stopped.value.code == 130 and capsys.readouterr().err == "interrupted\n"


def test_a_fault_of_the_program_keeps_its_traceback():
    with pytest.raises(KeyError):
        run_command(raising(KeyError("x")))


@pytest.mark.parametrize(
    "script, arguments, sentence",
    [
        ("dataset_scripts/ptb_xl.py", ["--data_dir", "{}", "--output_dir", "{}/out"], "no folder of PTB-XL"),
        ("dataset_scripts/mimic_iv_ecg.py", ["--data_dir", "{}", "--output_dir", "{}/out"], "no folder of MIMIC-IV"),
        ("hf_ecg.convert", ["merl-resnet18", "{}/absent.pth", "{}/out"], "absent.pth is not there"),
        ("hf_ecg.hub", ["push", "{}/absent", "--repo_id", "me/x"], "absent is no folder"),
        ("train/classify.py", ["{}/r.hea", "--model", "{}", "--prompts", "sinus rhythm"], "Unrecognized model"),
    ],
)
def test_every_command_does_so(repository, tmp_path, monkeypatch, script, arguments, sentence):
    monkeypatch.setattr(sys, "argv", [script, *(argument.format(tmp_path) for argument in arguments)])
    monkeypatch.delitem(sys.modules, script, raising=False)  # runpy warns of what was imported before
    with pytest.raises(SystemExit, match=sentence):
        if script.endswith(".py"):
            runpy.run_path(str(repository / script), run_name="__main__")
        else:
            runpy.run_module(script, run_name="__main__", alter_sys=True)
