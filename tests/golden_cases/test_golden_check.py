"""`hf-ecg convert --check` on a small case that is made here. Needs no golden data."""

import json
import shutil

import numpy as np
import pytest

from hf_ecg.auto import FAMILIES
from hf_ecg.cli import call, run
from hf_ecg.golden_cases import GoldenCase
from hf_ecg.golden_cases.agreement import agreement
from hf_ecg.golden_cases.made_tensors import made_input, made_tensor
from hf_ecg.golden_cases.slices import stored_part
from hf_ecg.golden_check import case_name, check_case, known_cases
from hf_ecg.models.ecg_resnet import FAMILY
from hf_ecg.models.ecg_resnet.golden_ecgclip import STAGES, survival_model
from tests.models.published_resnet import trunk_state
from tests.models.tiny.ecg_resnet import narrow

NAME, SEED = "ecgclip-resnet18", 3
ARRAYS = (*STAGES, "pooled", "logits", "survival_probabilities", "layer2_slice.stats")


@pytest.fixture
def case(tmp_path, monkeypatch):
    """A trunk of narrow stages, in the published layout."""
    narrow(monkeypatch)
    tensors = {
        key: {"shape": list(tensor.shape), "dtype": str(tensor.dtype).removeprefix("torch.")}
        for key, tensor in trunk_state(8, 39).items()
    }
    stored = {"slice": "[:, :1, ::2]", "full_shape": None}
    spec = {"tensors": tensors, "input": {"input": {"shape": [2, 8, 500]}}, "slices": {"layer*": stored}}
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "spec.json").write_text(json.dumps(spec))
    write(folder, {})
    return folder


def write(folder, change, seed=SEED):
    """What we compute is what is stored, but for the change."""
    from hf_ecg.convert import convert_checkpoint

    ours = survival_model(GoldenCase(folder, NAME, seed, lambda source, state: convert_checkpoint(source, state())))
    stored = {name: stored_part(value.numpy(), name, {"layer*": "[:, :1, ::2]"}) for name, value in ours.items()}
    whole = ours["layer2_slice"]
    stored["layer2_slice.stats"] = np.array(
        [whole.mean(), whole.std(correction=0), whole.min(), whole.max()], np.float32
    )
    np.savez(folder / f"expected_seed{seed}.npz", **(stored | change))


def test_every_array_is_compared_before_and_after_saving(case, capsys):
    write(case, {}, seed=0)
    assert call("convert", ["--check", str(case)])[1].passes
    told = capsys.readouterr().out
    for name in ARRAYS:
        assert f"\n  {name} " in told
    assert f"{NAME}, seed 0: passes" in told and f"{NAME}, seed {SEED}: passes" in told
    assert "after save_pretrained and from_pretrained: 9 of 9 arrays agree" in told and "2 of 2 cases pass" in told


def test_another_seed_has_other_weights(case):
    (case / f"expected_seed{SEED}.npz").rename(case / "expected_seed4.npz")
    (report,) = check_case(case)
    assert report.seed == 4 and not any(one.agrees for one in report.agreements)


@pytest.mark.parametrize("name", ARRAYS)
def test_a_change_of_a_thousandth_ends_with_status_1(case, capsys, name):
    with np.load(case / f"expected_seed{SEED}.npz") as stored:
        changed = stored[name] * 1.001
    write(case, {name: changed})
    with pytest.raises(SystemExit) as stopped:
        run("convert", ["--check", str(case)])
    told = capsys.readouterr()
    assert stopped.value.code == 1 and "1 of 1 cases fail" in told.err
    (line,) = [line for line in told.out.splitlines() if line.startswith(f"  {name} ") and "1.0e-03" in line][:1]
    assert line.endswith("FAILS")


def test_an_array_that_nothing_compares_fails_and_one_with_a_reason_is_told(case, capsys, monkeypatch):
    reasons = {"att_pool": "of another model"}
    monkeypatch.setitem(FAMILY.not_compared, NAME, reasons)
    write(case, {"att_pool": np.ones(3)})
    (report,) = check_case(case)
    assert report.passes and report.not_compared == reasons
    write(case, {"loss": np.ones(())})
    (report,) = check_case(case)
    assert report.missed == ("loss",) and not report.passes
    with pytest.raises(SystemExit):
        run("convert", ["--check", str(case)])
    assert "loss                                     FAILS: nothing compares it" in capsys.readouterr().out


def test_a_folder_of_another_name(case, tmp_path):
    copy = case.rename(tmp_path / "copied")
    assert check_case(copy, NAME)[0].passes
    assert call("convert", ["--check", str(copy), "--case", NAME])[0].passes
    with pytest.raises(ValueError, match="copied has the name of no known case, say which it is: one of .*clef-small"):
        check_case(copy)
    with pytest.raises(ValueError, match="case is 'merl', wanted one of"):
        check_case(copy, "merl")
    assert check_case(copy.rename(tmp_path / f"{NAME}.copied"))[0].name == NAME


@pytest.mark.parametrize(
    ("folder", "case"),
    [("clocs", "clocs"), ("clocs.copy", "clocs"), ("clocs_2", "clocs"), ("clocs-loss (1)", "clocs-loss")],
)
def test_a_folder_is_named_after_a_case(folder, case):
    assert case_name(folder, known_cases()) == case


@pytest.mark.parametrize("folder", ["clocs-loss2", "clocs2", "clocs-2", "xclocs"])
def test_a_name_that_only_begins_as_another_case_s_is_not_taken_for_it(folder):
    with pytest.raises(ValueError, match=f"{folder} has the name of no known case"):
        case_name(folder, known_cases())


def test_one_that_cannot_be_run_does_not_hide_the_others(case, tmp_path, capsys):
    other = tmp_path / "clef-small"
    other.mkdir()
    for path in case.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SystemExit):
        run("convert", ["--check", str(other), str(case)])
    told = capsys.readouterr()
    assert "keys are missing" in told.out and f"{NAME}, seed {SEED}: passes" in told.out
    assert "1 of 2 cases fail" in told.err


def test_what_is_no_case_is_named(case, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a golden case: wanted spec.json and expected_seed<N>.npz"):
        check_case(tmp_path)
    (case / f"expected_seed{SEED}.npz").write_bytes(b"torn")
    (report,) = check_case(case)
    assert "torn" not in report.problem and report.problem and not report.passes


@pytest.mark.parametrize("damage", [lambda content: b"", lambda content: content[: len(content) // 2]])
def test_a_damaged_file_of_arrays_fails_alone(case, tmp_path, capsys, damage):
    whole = case.rename(tmp_path / f"{NAME}.whole")
    shutil.copytree(whole, case)
    stored = case / f"expected_seed{SEED}.npz"
    stored.write_bytes(damage(stored.read_bytes()))
    with pytest.raises(SystemExit):
        run("convert", ["--check", str(case), str(whole)])
    told = capsys.readouterr()
    assert f"{stored} is damaged, cut off or holds more than numbers" in told.out and "1 of 2 cases fail" in told.err


def test_a_specification_that_lacks_something_is_told(case):
    (case / "spec.json").write_text("{}")
    (report,) = check_case(case)
    assert report.problem and not report.passes


def test_a_specification_without_what_a_function_reads_is_told(case, monkeypatch):
    monkeypatch.setitem(FAMILY.golden, NAME, lambda case: {"loss": case.spec["config"]["margin"]})
    (report,) = check_case(case)
    assert report.problem == "the specification does not say 'config'" and not report.passes


@pytest.mark.parametrize("arguments", [[], ["merl-resnet18"], ["merl-resnet18", "file.pth"], ["--case", NAME]])
def test_a_command_line_that_asks_nothing_whole(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        run("convert", arguments)
    assert stopped.value.code == 2 and "wanted SOURCE FILE OUT" in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, family in FAMILIES.items() if family.sources])
def test_every_family_with_published_weights_has_a_case(name):
    # where the weights themselves may be kept, their own numbers are the case: tests/models/test_published_weights.py
    assert FAMILIES[name].golden or all(source.sha256 for source in FAMILIES[name].sources)


@pytest.mark.parametrize(
    ("ours", "stored", "agrees"),
    [
        ([1.0, 2.0], [1.0, 2.00002], True),
        ([1.0, 2.0], [1.0, 2.0001], False),
        ([1e-6, 2e-6], [1e-6, 2.0001e-6], False),
        ([0.0, 1e-9], [0.0, 0.0], True),
        ([0.0, 1e-6], [0.0, 0.0], False),
        ([1.0, np.nan], [1.0, np.nan], True),
        ([1.0, 2.0], [1.0, np.nan], False),
        ([1.0, np.inf], [1.0, np.inf], False),
        ([1.0], [1.0, 1.0], False),
        ([1, 100], [1, 100.001], False),
        ([True, False], [1.0, 0.0], True),
    ],
)
def test_when_numbers_agree(ours, stored, agrees):
    assert agreement("one", np.array(ours), np.array(stored)).agrees == agrees


def test_slices_as_specifications_write_them():
    values = np.arange(2 * 6 * 96).reshape(2, 6, 96)
    found = {
        "block3_slice": values[:, ::2, :64],
        "layer1_slice": values[:, :4, ::3],
        "mask7": values[..., ::10],
        "logits": values,
    }
    slices = {
        "block*_slice": "[:, ::2, :64]",
        "layer{i}_slice": "[:, :4, ::max(1,T//32)] with T = 96",
        "other_slice, mask{1,7}": {"slice": "[:, :, ::10]", "full_shape": [2, 6, 96]},
        "words": "tokens[12::9] , [:64]",
    }
    for name, wanted in found.items():
        assert np.array_equal(stored_part(values, name, slices), wanted)
    with pytest.raises(ValueError, match="which is not a slice: return that part of it"):
        stored_part(values, "words", slices)


def test_tensors_are_made_of_name_and_seed_as_the_cases_were(golden_dir):
    import importlib.util

    found = importlib.util.spec_from_file_location("golden_weights", golden_dir / "golden_weights.py")
    theirs = importlib.util.module_from_spec(found)
    found.loader.exec_module(theirs)
    for name, shape, dtype in (
        ("conv.weight", [3, 2, 5], "float32"),
        ("norm.weight", [4], "float32"),
        ("norm.running_var", [4], "float32"),
        ("bias", [], "float64"),
        ("steps", [2], "int64"),
    ):
        for seed in (0, 7):
            wanted = theirs.make_tensor(name, shape, dtype, seed)
            ours = made_tensor(name, shape, dtype, seed)
            assert ours.dtype == wanted.dtype and np.array_equal(ours, wanted)
    assert np.array_equal(made_input("ecg", [2, 3], 5), theirs.make_input([2, 3], 5, "ecg"))
