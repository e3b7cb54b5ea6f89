"""Conversion refuses what is not whole, not known or not safe. Needs no golden data."""

import pickle

import pytest
import torch
from safetensors.torch import save_file

from hf_ecg import convert
from hf_ecg.convert import convert_checkpoint, main
from hf_ecg.models.ecg_resnet import convert_ecg_resnet
from hf_ecg.models.ecg_resnet.convert_ecg_resnet import _our_name


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The variants, with narrow stages: the keys are the published ones."""
    variants = {name: {**options, "widths": [2, 2, 2, 2]} for name, options in convert_ecg_resnet.VARIANTS.items()}
    monkeypatch.setattr(convert_ecg_resnet, "VARIANTS", variants)


def original_state(prefix="ecg_encoder."):
    """A trunk as the original stores it, with its unused head, and parts of the dual encoder."""
    depths, state = (2, 2, 2, 2), {"conv1.weight": torch.randn(2, 12, 7)}

    def norm(name):
        for key in ("weight", "bias", "running_mean"):
            state[f"{name}.{key}"] = torch.randn(2)
        state[f"{name}.running_var"] = torch.rand(2) + 0.5
        state[f"{name}.num_batches_tracked"] = torch.tensor(3)

    norm("bn1")
    for layer, depth in enumerate(depths, start=1):
        for block in range(depth):
            for number in (1, 2):
                state[f"layer{layer}.{block}.conv{number}.weight"] = torch.randn(2, 2, 3)
                norm(f"layer{layer}.{block}.bn{number}")
            if layer > 1 and block == 0:
                state[f"layer{layer}.{block}.shortcut.0.weight"] = torch.randn(2, 2, 1)
                norm(f"layer{layer}.{block}.shortcut.1")
    state |= {"linear.weight": torch.randn(10, 2), "linear.bias": torch.randn(10)}
    state = {prefix + key: value for key, value in state.items()}
    if prefix:
        state |= {"downconv.weight": torch.randn(4, 2, 1), "lm_model.pooler.dense.bias": torch.randn(3)}
    return state


@pytest.mark.parametrize("prefix", ["ecg_encoder.", ""])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_whole_and_bare_trunks_from_files(tmp_path, prefix, ending):
    state, path = original_state(prefix), tmp_path / f"checkpoint{ending}"
    save_file(state, path) if ending == ".safetensors" else torch.save(state, path)
    model, _ = convert_checkpoint("merl-resnet18", path)
    ours = model.state_dict()
    for key, value in state.items():
        name = _our_name(key.removeprefix(prefix))
        if name is not None:
            assert torch.equal(ours.pop(name), value), key
    assert not ours


def test_a_missing_and_an_unknown_key_are_both_named():
    state = original_state()
    del state["ecg_encoder.layer3.1.bn2.bias"]
    state["ecg_encoder.layer5.0.conv1.weight"] = torch.zeros(1)
    with pytest.raises(ValueError, match="stages.2.blocks.1.norms.1.bias.*layer5.0.conv1.weight"):
        convert_checkpoint("merl-resnet18", state)


@pytest.mark.parametrize("source", ["merl-resnet34", "merl-resnet50"])
def test_another_variants_tensors_are_refused(source):
    with pytest.raises(ValueError, match=f"no checkpoint of {source}"):
        convert_checkpoint(source, original_state())


def test_tensors_of_another_shape_are_refused():
    state = original_state()
    state["ecg_encoder.conv1.weight"] = torch.zeros(2, 1, 7)
    with pytest.raises(ValueError, match=r"stem.convolution.weight \(2, 1, 7\) instead of \(2, 12, 7\)"):
        convert_checkpoint("merl-resnet18", state)


class Harmful:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_a_pickle_with_more_than_tensors_is_refused(tmp_path, capsys):
    torch.save({"state_dict": original_state(), "callback": Harmful()}, tmp_path / "harmful.ckpt")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Harmful()))
    for name in ("harmful.ckpt", "plain.pth"):
        with pytest.raises(ValueError, match="refused"):
            convert_checkpoint("merl-resnet18", tmp_path / name)
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.pth", b"", "no checkpoint that torch can read|refused"),
        ("cut.pth", b"PK\x03\x04 cut off", "no checkpoint that torch can read"),
        ("cut.safetensors", b"\x10\x00", "no safetensors file"),
        ("weights.h5", b"x", "wanted one of .safetensors"),
    ],
)
def test_damaged_and_foreign_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        convert_checkpoint("merl-resnet18", tmp_path / name)


def test_a_file_that_is_not_there_and_a_source_that_is_not_known(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.pth"):
        convert_checkpoint("merl-resnet18", tmp_path / "absent.pth")
    with pytest.raises(ValueError, match="merl-resnet18, merl-resnet34"):
        convert_checkpoint("merl-resnet101", {})


def test_the_command_writes_a_model_that_loads_and_a_card(tmp_path, capsys):
    torch.save(original_state(), tmp_path / "res18_ckpt.pth")
    main(["merl-resnet18", str(tmp_path / "res18_ckpt.pth"), str(tmp_path / "out")])
    assert capsys.readouterr().out.strip() == str(tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert convert.MERL.repository in card and "MIT" in card and "import hf_ecg" in card
    with pytest.raises(FileExistsError, match="not empty"):
        main(["merl-resnet18", str(tmp_path / "res18_ckpt.pth"), str(tmp_path / "out")])
