"""`hf-ecg convert --check` holds a conversion against the original's numbers."""

import shutil

import numpy as np
import pytest

from hf_ecg.cli import call, run
from hf_ecg.golden_check import check_conversion


@pytest.fixture
def case(golden_dir, tmp_path):
    """A copy of a golden case that may be changed."""
    shutil.copy(golden_dir / "golden_weights.py", tmp_path)
    shutil.copytree(golden_dir / "merl-resnet18", tmp_path / "case")
    (tmp_path / "case").chmod(0o755)
    for path in (tmp_path / "case").iterdir():
        path.chmod(0o644)
    return tmp_path / "case"


def change(case, name, number):
    with np.load(case / "expected_seed0.npz") as stored:
        values = dict(stored)
    values[name] = values[name] + number
    np.savez(case / "expected_seed0.npz", **values)


def test_a_conversion_that_gives_the_originals_numbers(case, capsys):
    assert call("convert", ["merl-resnet18", "--check", str(case)]) is None
    told = capsys.readouterr().out
    assert told.startswith("encoder_avgpool: at most ") and "differ" not in told


def test_logits_of_a_classifier_are_compared_too(golden_dir):
    assert [one.output for one in check_conversion("ecgfounder-1lead", golden_dir / "ecgfounder-1lead")] == [
        "pooled",
        "output",
    ]


def test_other_numbers_end_with_status_1(case, capsys):
    change(case, "encoder_avgpool", 0.01)
    (found,) = check_conversion("merl-resnet18", case)
    assert not found.agrees and found.difference == pytest.approx(0.01, rel=1e-3)
    with pytest.raises(SystemExit) as stopped:
        run("convert", ["merl-resnet18", "--check", str(case)])
    told = capsys.readouterr()
    assert stopped.value.code == 1 and "they differ" in told.out and "does not give the numbers" in told.err


def test_what_is_no_case_is_named(case, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a golden case"):
        check_conversion("merl-resnet18", tmp_path)
    with pytest.raises(ValueError, match="keys are missing"):
        check_conversion("clef-small", case)
    np.savez(case / "expected_seed0.npz", loss=0.0)
    with pytest.raises(ValueError, match="stores none of"):
        check_conversion("merl-resnet18", case)


@pytest.mark.parametrize("arguments", [["merl-resnet18"], ["merl-resnet18", "file.pth"]])
def test_a_command_line_that_asks_nothing_whole(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("convert", arguments)
    assert stopped.value.code == 2 and "wanted SOURCE FILE OUT" in capsys.readouterr().err
