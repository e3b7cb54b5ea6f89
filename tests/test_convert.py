"""Conversion refuses what is not whole, not known or not safe. Needs no golden data."""

import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional as F

from hf_ecg import convert
from hf_ecg.convert import convert_checkpoint, main, write_converted
from hf_ecg.models.ecg_resnet import convert_ecg_resnet
from hf_ecg.models.ecg_resnet.convert_ecg_resnet import our_trunk_name
from hf_ecg.models.shared import conversion
from tests.models.published_resnet import original_state
from tests.models.tiny.ecg_resnet import narrow


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The variants, with narrow stages: the keys are the published ones."""
    narrow(monkeypatch)


@pytest.mark.parametrize("prefix", ["ecg_encoder.", ""])
@pytest.mark.parametrize("ending", [".pth", ".safetensors"])
def test_whole_and_bare_trunks_from_files(tmp_path, prefix, ending):
    state, path = original_state(prefix), tmp_path / f"checkpoint{ending}"
    save_file(state, path) if ending == ".safetensors" else torch.save(state, path)
    model, _ = convert_checkpoint("merl-resnet18", path)
    ours = model.state_dict()
    for key, value in state.items():
        name = our_trunk_name(key.removeprefix(prefix))
        if name is not None:
            assert torch.equal(ours.pop(name), value), key
    assert not ours


@pytest.mark.parametrize("prefix", ["model.", "module._orig_mod.", "_orig_mod.module.", "model.module."])
def test_what_a_training_puts_before_every_name_is_taken_off(prefix):
    state = original_state()
    content = {"state_dict": {prefix + key: value for key, value in state.items()}, "epoch": 3}
    model, _ = convert_checkpoint("merl-resnet18", content)
    assert torch.equal(model.stem.convolution.weight, state["ecg_encoder.conv1.weight"])


@pytest.fixture
def shards(tmp_path):
    """The index of a checkpoint in two files, and its content."""
    state, names = original_state(), ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")
    places = {key: names[number % 2] for number, key in enumerate(state)}
    for name in names:
        save_file({key: state[key].clone() for key in state if places[key] == name}, tmp_path / name)
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    return tmp_path / "model.safetensors.index.json", state


def test_a_checkpoint_in_several_files(shards):
    index, state = shards
    model, _ = convert_checkpoint("merl-resnet18", index)
    assert torch.equal(model.stem.convolution.weight, state["ecg_encoder.conv1.weight"])
    with pytest.raises(ValueError, match=r"00002-of-00002.safetensors is one of several files .* the \*.*index.json"):
        convert_checkpoint("merl-resnet18", index.parent / "model-00002-of-00002.safetensors")
    with pytest.raises(ValueError, match="is a folder, wanted the checkpoint in it"):
        convert_checkpoint("merl-resnet18", index.parent)
    (index.parent / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(
        FileNotFoundError, match="model-00002-of-00002.safetensors is not there, one of the files that"
    ):
        convert_checkpoint("merl-resnet18", index)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "wanted weight_map"),
        ({"weight_map": {}}, "wanted weight_map"),
        (
            {"weight_map": {"w": "../other.safetensors"}},
            "in '../other.safetensors': wanted a .safetensors file beside",
        ),
        ({"weight_map": {"conv9.weight": "model-00001-of-00002.safetensors"}}, "differ in conv9.weight, "),
    ],
)
def test_an_index_that_does_not_fit_its_files(shards, content, message):
    index, _ = shards
    index.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        convert_checkpoint("merl-resnet18", index)


def test_a_part_is_told_by_its_number_from_a_whole_file_of_a_like_name(tmp_path):
    torch.save(original_state(), tmp_path / "fold-1-of-5.pt")
    assert convert_checkpoint("merl-resnet18", tmp_path / "fold-1-of-5.pt")
    (tmp_path / "fold-1-of-5.pt").rename(tmp_path / "pytorch_model-00001-of-00002.bin")
    with pytest.raises(ValueError, match="is one of several files of a model, wanted one file, or safetensors"):
        convert_checkpoint("merl-resnet18", tmp_path / "pytorch_model-00001-of-00002.bin")


def original_pooled(state, ecg):
    """The original's ResNet18 on its own tensors: average-pooled output, in evaluation mode."""

    def norm(x, name):
        values = [state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *values)

    x = F.relu(norm(F.conv1d(ecg, state["conv1.weight"], stride=2, padding=3), "bn1"))
    for layer in range(1, 5):
        for block in range(2):
            name, stride = f"layer{layer}.{block}", 2 if layer > 1 and block == 0 else 1
            y = F.relu(norm(F.conv1d(x, state[f"{name}.conv1.weight"], stride=stride, padding=1), f"{name}.bn1"))
            y = norm(F.conv1d(y, state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2")
            if stride == 2:
                x = norm(F.conv1d(x, state[f"{name}.shortcut.0.weight"], stride=2), f"{name}.shortcut.1")
            x = F.relu(y + x)
    return x.mean(dim=-1)


def test_the_converted_trunk_computes_what_the_original_does():
    torch.manual_seed(0)
    state, ecg = original_state(""), torch.rand(2, 12, 500)
    model, _ = convert_checkpoint("merl-resnet18", state)
    with torch.no_grad():
        torch.testing.assert_close(model(ecg).pooler_output, original_pooled(state, ecg), atol=1e-5, rtol=1e-5)


def test_the_preparation_is_merls(tmp_path):
    _, extractor = convert_checkpoint("merl-resnet18", original_state())
    generator = np.random.default_rng(0)
    standard = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
    signals = generator.normal(size=(12, 5000)).astype(np.float32)
    holed = signals.copy()
    holed[0, 100] = np.nan
    values = extractor(holed, sampling_rate=500, leads=standard, units="mV").input_values[0]
    mean = signals[0, [*range(94, 100), *range(101, 107)]].mean(dtype=np.float64)
    filled = signals.astype(np.float64)
    filled[0, 100] = mean
    wanted = (filled - filled.min()) / (filled.max() - filled.min() + 1e-8)
    # MIMIC-IV-ECG's order: aVF before aVL
    np.testing.assert_allclose(values, wanted[[0, 1, 2, 3, 5, 4, 6, 7, 8, 9, 10, 11]], atol=1e-6)


def test_a_missing_and_an_unknown_key_are_both_named():
    state = original_state()
    del state["ecg_encoder.layer3.1.bn2.bias"]
    state["ecg_encoder.layer5.0.conv1.weight"] = torch.zeros(1)
    with pytest.raises(ValueError, match="stages.2.blocks.1.norms.1.bias.*layer5.0.conv1.weight"):
        convert_checkpoint("merl-resnet18", state)


@pytest.mark.parametrize("source", ["merl-resnet34", "merl-resnet50"])
def test_another_variants_tensors_are_refused(source):
    with pytest.raises(ValueError, match=f"not a checkpoint of {source}"):
        convert_checkpoint(source, original_state())


def test_tensors_of_another_shape_are_refused():
    state = original_state()
    state["ecg_encoder.conv1.weight"] = torch.zeros(2, 1, 7)
    with pytest.raises(ValueError, match=r"stem.convolution.weight \(2, 1, 7\) instead of \(2, 12, 7\)"):
        convert_checkpoint("merl-resnet18", state)


def test_a_checkpoint_of_another_width_ends_in_one_short_sentence():
    state = {key: torch.cat([value] * 2) if value.ndim == 1 else value for key, value in original_state().items()}
    with pytest.raises(ValueError, match=r"\d+ of its \d+ tensors have another shape \(.*, and \d+ more\)") as refused:
        convert_checkpoint("merl-resnet18", state)
    assert str(refused.value).count("instead of") == 3 and len(str(refused.value)) < 600


def test_what_is_no_tensor_and_what_is_there_twice_are_refused():
    with pytest.raises(ValueError, match="epoch is int, wanted a tensor"):
        convert_checkpoint("merl-resnet18", original_state("") | {"epoch": 3})
    with pytest.raises(ValueError, match="bn1.weight.*with and without ecg_encoder"):
        convert_checkpoint("merl-resnet18", original_state() | original_state(""))


def test_what_is_not_used_is_logged_with_the_reason(monkeypatch):
    lines = []
    monkeypatch.setattr(conversion.logger, "info", lambda message, *values: lines.append(message % values))
    convert_checkpoint("merl-resnet18", original_state())
    for beginning in ("linear.", "downconv.", "lm_model."):
        assert any(beginning in line and convert_ecg_resnet.UNUSED[beginning] in line for line in lines), beginning


class Harmful:
    def __reduce__(self):
        return (print, ("this must not run",))


def test_a_pickle_with_more_than_tensors_is_refused(tmp_path, capsys):
    torch.save({"state_dict": original_state(), "callback": Harmful()}, tmp_path / "harmful.ckpt")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Harmful()))
    for name in ("harmful.ckpt", "plain.pth"):
        with pytest.raises(ValueError, match=r"refused: .* made the file( \([\w.]*print\))?\. If you"):
            convert_checkpoint("merl-resnet18", tmp_path / name)
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.pth", b"", "empty.pth is empty"),
        ("page.pth", b" <html>404", "page.pth is a web page and not a checkpoint"),
        ("cut.pth", b"PK\x03\x04 cut off", "not a checkpoint that torch can read"),
        ("cut.safetensors", b"\x10\x00", "not a safetensors file"),
        ("page.pth", b"hello", "not a checkpoint that torch can read"),
        ("pointer.pth", b"version https://git-lfs.github.com/spec/v1\n", "checkpoint that torch can read|refused"),
        ("weights.h5", b"x", "wanted one of .safetensors"),
    ],
)
def test_damaged_and_foreign_files(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        convert_checkpoint("merl-resnet18", tmp_path / name)


@pytest.mark.parametrize("change", [lambda v: v * float("nan"), lambda v: v.int()])
def test_weights_that_are_no_finite_floats_are_refused(change):
    state = original_state()
    key = next(key for key, value in state.items() if key.endswith("bn1.weight"))
    with pytest.raises(ValueError, match="not finite floats in .*norm"):
        convert_checkpoint("merl-resnet18", state | {key: change(state[key])})


def test_what_is_neither_a_path_nor_a_state_dict():
    with pytest.raises(ValueError, match="a list, wanted a path or a state dict"):
        convert_checkpoint("merl-resnet18", [])


def test_a_file_that_is_not_there_and_a_source_that_is_not_known(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent.pth"):
        convert_checkpoint("merl-resnet18", tmp_path / "absent.pth")
    with pytest.raises(ValueError, match="merl-resnet18, merl-resnet34"):
        convert_checkpoint("merl-resnet101", {})


def test_the_command_writes_a_model_that_loads_and_a_card(tmp_path, capsys):
    torch.save(original_state(), tmp_path / "res18_ckpt.pth")
    main(["merl-resnet18", str(tmp_path / "res18_ckpt.pth"), str(tmp_path / "out")])
    assert capsys.readouterr().out.startswith(f"made: {tmp_path / 'out'} (the model")
    card = (tmp_path / "out" / "README.md").read_text()
    origin = convert.SOURCES["merl-resnet18"]
    assert origin.commit in card and "2403.06659" in card and "aVF, aVL" in card
    assert origin.repository in card and "MIT" in card and "import hf_ecg" in card
    with pytest.raises(FileExistsError, match="not empty"):
        main(["merl-resnet18", str(tmp_path / "res18_ckpt.pth"), str(tmp_path / "out")])


def test_an_interrupted_conversion_leaves_no_folder(tmp_path, monkeypatch):
    torch.save(original_state(), tmp_path / "res18_ckpt.pth")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(convert, "card", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write_converted("merl-resnet18", tmp_path / "res18_ckpt.pth", tmp_path / "out")
    assert not (tmp_path / "out").exists()
    folder = write_converted("merl-resnet18", tmp_path / "res18_ckpt.pth", tmp_path / "out")
    assert (folder / "README.md").is_file() and {path.name for path in tmp_path.iterdir()} == {"out", "res18_ckpt.pth"}
