"""Users' mistakes end a command with a sentence; other errors keep their traceback."""

import click
import pytest
from huggingface_hub.errors import StrictDataclassError

from hf_ecg import ECGResNetConfig
from hf_ecg.cli import endings
from hf_ecg.cli.endings import EndsWith, run
from hf_ecg.cli.groups import Entry, Group
from hf_ecg.cli.outcomes import Ending
from tests.cli.all_commands import COMMANDS


@pytest.fixture
def raising(monkeypatch):
    """Puts a table in the place of all commands, whose one command raises."""

    def use(error):
        @click.command("fails")
        def command():
            raise error

        monkeypatch.setattr(endings, "application", click.Group("hf-ecg", {"fails": command}))

    return use


def ending(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        run("", arguments)
    return stopped.value.code, capsys.readouterr().err


def test_a_mistake_is_told_in_a_sentence(raising, capsys):
    raising(FileNotFoundError("corpus is\nnot there"))
    assert ending(capsys, "fails") == (1, "corpus is not there\n")


def test_names_of_others_neither_forge_lines_nor_move_the_cursor(raising, capsys):
    raising(ValueError("a\nb\x1b[2J\u202e.hea is not a record"))
    assert ending(capsys, "fails") == (1, "a b\\x1b[2J\\u202e.hea is not a record\n")


def test_a_configuration_that_does_not_fit_is_told_in_a_sentence(raising, capsys):
    with pytest.raises(StrictDataclassError) as refused:
        ECGResNetConfig(widths="wide")
    raising(refused.value)
    status, told = ending(capsys, "fails")
    assert status == 1 and "widths" in told and told.count("\n") == 1


def test_an_extra_that_is_not_installed_is_told_in_a_sentence(raising, capsys):
    raising(ImportError("pip install hf-ecg[plot]"))
    assert ending(capsys, "fails") == (1, "pip install hf-ecg[plot]\n")


@pytest.mark.parametrize("output", ["file/record", "file/folder/record"])
def test_a_file_where_a_folder_is_wanted_is_named(tmp_path, capsys, output):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        run("simulate", ["sinus_rhythm", "--output", str(tmp_path / output)])
    assert capsys.readouterr().err.endswith(f"{tmp_path / 'file'} is not a folder, and one is wanted there\n")


def test_a_stop_by_the_keyboard_is_no_traceback(raising, capsys):
    raising(KeyboardInterrupt())
    status, told = ending(capsys, "fails")
    assert status == 130 and told.split() == ["interrupted"]


def test_a_stop_of_a_training_says_how_it_goes_on(monkeypatch, tmp_path, capsys):
    def stopped(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("hf_ecg.recipes_found.find_recipe", stopped)
    status, told = ending(capsys, "pretrain", "--config", "demo", "--output_dir", str(tmp_path))
    assert status == 130 and told.strip().startswith("interrupted: the same command with --resume latest goes on")


def test_a_status_of_its_own(raising, capsys):
    raising(EndsWith("3 refused", 3, Ending()))
    assert ending(capsys, "fails") == (3, "3 refused\n")


def test_a_fault_of_the_program_keeps_its_traceback(raising):
    raising(KeyError("x"))
    with pytest.raises(KeyError):
        run("", ["fails"])


def test_debug_keeps_every_traceback(monkeypatch, tmp_path):
    with pytest.raises(FileNotFoundError):
        run("info", [str(tmp_path / "absent"), "--debug"])
    monkeypatch.setenv("HF_ECG_DEBUG", "1")
    with pytest.raises(FileNotFoundError):
        run("info", [str(tmp_path / "absent")])
    monkeypatch.setenv("HF_ECG_DEBUG", "0")
    with pytest.raises(SystemExit):
        run("info", [str(tmp_path / "absent")])


@pytest.mark.parametrize("words, inside", [("", "pretrain"), ("study", "compare")])
def test_a_group_alone_shows_its_commands(words, inside, capsys):
    status, told = ending(capsys, *words.split())
    assert status == 2 and told.startswith("Usage: hf-ecg") and f"\n  {inside} " in told


def test_an_old_call_is_told_where_it_went(capsys):
    for option in ("--data", "--output_dir", "--output-dir"):
        status, told = ending(capsys, "demo", option, "x")
        assert status == 2 and "it went to `hf-ecg tour" in told


def test_groups_are_tables():
    group = Group("g", "A group.", {"one": Entry("info", "tells")})
    assert group.list_commands(None) == ["one"] and group.get_command(None, "two") is None


# Each command with something that is not there; {} is an empty folder.
ABSENT = {
    "export": ["{}/absent", "{}/out"],
    "convert-signal": ["{}/absent.hea", "{}/out.csv"],
    "demo": ["--model", "{}/absent"],
    "tour": ["--data", "{}/absent", "--output_dir", "{}/out"],
    "prepare folder": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare ptb_xl": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare mimic_iv_ecg": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare cpsc2018": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare csn": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare cinc2017": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare code15": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare cinc2021": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare mit_bih": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare shdb_af": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare music": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare icentia11k": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare mc_med": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare aurora_bp": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "prepare lvef": ["--notes", "{}/absent.csv", "--output", "{}/lvef.csv"],
    "prepare simulated": ["--output_dir", "{}/out", "--num_records", "-1"],
    "prepare measurements": ["--data", "{}/absent", "--output_dir", "{}/out"],
    "prepare targets": [
        *("--data", "{}/absent", "--table", "{}/t.csv", "--patient_column", "p", "--date_column", "d"),
        *("--targets", "x", "--output_dir", "{}/out"),
    ],
    "prepare near_duplicates": ["{}/absent", "--within", "--output", "{}/pairs.csv"],
    "prepare merl_splits": ["--merl_splits", "{}/absent"],
    "measure": ["{}/absent.hea"],
    "pretrain": ["--config", "{}/absent.yaml", "--output_dir", "{}/out"],
    "language-model": ["--config", "{}/absent.yaml", "--data", "{}/absent", "--output_dir", "{}/out"],
    "evaluate reports": ["--model", "{}/absent", "--data", "{}/no", "--output", "{}/o.json"],
    "evaluate af-burden": ["{}/absent.hea", "--output_dir", "{}/out"],
    "evaluate simplicity-bias": ["--model", "{}/absent", "--data", "{}/no", "--output_dir", "{}/out"],
    "evaluate robustness": ["--model", "{}/absent", "--data", "{}/no", "--output_dir", "{}/out"],
    "evaluate lead-reconstruction": ["--model", "{}/absent", "--data", "{}/no", "--output_dir", "{}/out"],
    "evaluate noise-detection": ["--cinc2017", "{}/absent", "--output", "{}/o.json"],
    "evaluate zero-shot": ["--model", "{}/absent", "--data", "{}/no", "--prompts", "x_y", "--output", "{}/o.json"],
    "evaluate probe": ["--model", "{}/absent", "--data", "{}/no", "--output", "{}/o.json"],
    "evaluate classify": ["{}/r.hea", "--model", "{}", "--prompts", "sinus rhythm"],
    "evaluate retrieve": ["--model", "{}/absent", "--data", "{}/no", "--text", "x", "--output_dir", "{}/out"],
    "pictures": ["--model", "{}/absent", "--data", "{}/absent", "--output", "{}/out"],
    "evaluate clef-tasks": ["--model", "{}/absent", "--data", "{}/absent", "--output_dir", "{}/out"],
    "evaluate benchmark": ["--model", "{}/absent", "--data", "{}/absent", "--output_dir", "{}/out"],
    "finetune": ["--model", "{}/absent", "--data", "{}/no", "--label_set", "rhythm", "--output_dir", "{}/out"],
    "calibrate": ["{}/absent", "{}/no", "--output_dir", "{}/out"],
    "audit": ["{}/absent", "{}/no", "--output_dir", "{}/out"],
    "study compare": ["--comparison", "{}/absent.yaml", "--data", "{}/absent", "--output_dir", "{}/out"],
    "study sweep": [
        *("--sweep", "{}/absent.yaml", "--data", "{}/absent", "--minutes", "1", "--output_dir", "{}/out"),
    ],
    "study cohorts": ["--study", "{}/absent.yaml", "--data", "A={}/absent", "--output_dir", "{}/out"],
    "study fg-clep": ["--stages", "{}/absent.yaml", "--data", "{}/absent", "--output_dir", "{}/out"],
    "study augment-reports propose": ["--data", "{}/absent", "--output_dir", "{}/out"],
    "study augment-reports verify": ["--data", "{}/no", "--proposals", "{}/no", "--output_dir", "{}/out"],
    "study beyond-rules": ["--model", "{}/absent", "--data", "{}/no", "--prompts", "x_y", "--output", "{}/o.json"],
    "study noise": ["--cinc2017", "{}/absent", "--output_dir", "{}/out"],
    "study risk-gradient": ["--config", "{}/absent.yaml", "--data", "{}/absent", "--output", "{}/out.json"],
    "study beats": ["--data_dir", "{}/absent", "--output_dir", "{}/out"],
    "study shift": ["--spec", "{}/absent.yaml", "--data", "{}/absent", "--output_dir", "{}/out"],
    "study risk-spread": ["--shares", "2", "--output_dir", "{}/out"],
    "study pretrained": ["--data", "{}/absent", "--models", "absent", "--output_dir", "{}/out"],
    "study judge-verifier": ["--data", "{}/absent", "--output", "{}/out.json"],
    "embed": ["{}/absent.hea", "--model", "{}/absent", "--output", "{}/out.parquet"],
    "explain": ["{}/absent.hea", "--text", "sinus rhythm", "--output", "{}/out.png"],
    "plot": ["{}/absent.hea", "--output", "{}/out.png"],
    "simulate": ["sinus_rythm", "--output", "{}/out"],
    "convert": ["merl-resnet18", "{}/absent.pth", "{}/out"],
    "card": ["{}/absent"],
    "push": ["{}/absent", "--repo_id", "me/x"],
    "info": ["{}/absent"],
}


@pytest.mark.parametrize("words", COMMANDS)
def test_what_is_not_there_ends_every_command_with_one_line(words, tmp_path, capfd):
    with pytest.raises(SystemExit) as stopped:
        run(words, [argument.format(tmp_path) for argument in ABSENT[words]])
    told = capfd.readouterr().err
    assert stopped.value.code == 1
    assert told.startswith(f"hf-ecg {words}: ") and told.count("\n") == 1 and len(told) < 1000


@pytest.mark.parametrize("words", COMMANDS)
def test_a_mistaken_option_ends_every_command_with_status_2(words, capfd):
    with pytest.raises(SystemExit) as stopped:
        run(words, ["--no_such_option"])
    told = capfd.readouterr().err
    assert stopped.value.code == 2
    assert told.startswith(f"hf-ecg {words}: ") and told.count("\n") == 1
