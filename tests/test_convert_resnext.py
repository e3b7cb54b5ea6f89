"""CLEF and ECGFounder: what is converted, what is refused, and the preprocessing that comes along."""

import numpy as np
import pytest
import torch

from hf_ecg import convert
from hf_ecg.convert import convert_checkpoint, write_converted
from hf_ecg.models.ecg_resnext import convert_ecg_resnext
from hf_ecg.signals.leads import STANDARD_LEADS
from tests.models.published_resnext import original_state
from tests.models.reference_resnext import pooled
from tests.models.tiny.ecg_resnext import narrow

SOURCES = ("clef-small", "clef-medium", "clef-large", "ecgfounder-12lead", "ecgfounder-1lead")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The sizes, with few and narrow stages: the keys are the published ones."""
    narrow(monkeypatch)


@pytest.mark.parametrize("source", SOURCES)
def test_every_tensor_is_where_the_description_has_it(source):
    torch.manual_seed(0)
    state = original_state(source)
    model, _ = convert_checkpoint(source, {"state_dict": state, "epoch": 3})
    assert not model.training
    encoder = getattr(model, "encoder", model)
    ecg = torch.randn(2, encoder.config.num_leads, 300)
    with torch.no_grad():
        features = pooled(encoder, ecg)
        torch.testing.assert_close(encoder(ecg).pooler_output, features, atol=1e-5, rtol=1e-5)
        if source.startswith("ecgfounder"):
            wanted = features @ state["dense.weight"].T + state["dense.bias"]
            torch.testing.assert_close(model(ecg).logits, wanted, atol=1e-5, rtol=1e-5)
    # with and without the Lightning module's prefix
    bare, _ = convert_checkpoint(source, {key.removeprefix("backbone."): value for key, value in state.items()})
    assert all(torch.equal(value, bare.state_dict()[key]) for key, value in model.state_dict().items())
    names = convert_ecg_resnext._our_name("stage_list.1.block_list.1.conv2.conv.weight", "")
    original = next(value for key, value in state.items() if key.endswith("1.block_list.1.conv2.conv.weight"))
    assert torch.equal(encoder.state_dict()[names], original)


def test_batch_norm_is_known_and_said_to_be_unused(monkeypatch):
    lines = []
    monkeypatch.setattr(convert_ecg_resnext.logger, "info", lambda message, *values: lines.append(message % values))
    model, _ = convert_checkpoint("clef-small", original_state("clef-small"))
    assert lines == [f"50 tensors are not used: {name}: {why}" for name, why in convert_ecg_resnext.UNUSED.items()]
    assert not [name for name, _ in model.named_buffers()]
    without = {key: value for key, value in original_state("clef-small").items() if "bn" not in key}
    convert_checkpoint("clef-small", without)


def test_missing_and_unknown_keys_are_both_listed_and_shortened():
    state = original_state("ecgfounder-1lead")
    for key in [key for key in state if key.startswith("stage_list.1") and ".bn" not in key] + ["dense.bias"]:
        del state[key]
    # a block that the network does not have, and the head of another task
    state |= {f"stage_list.7.block_list.{number}.bn1.weight": torch.ones(4) for number in range(20)}
    state["head.weight"] = torch.ones(2, 8)
    with pytest.raises(
        ValueError,
        match=r"not a checkpoint of ecgfounder-1lead: 21 keys are missing \(classifier.bias, .*, and 9 more\)"
        r" and 21 are"
        r" unknown \(head.weight, stage_list.7.*, and 9 more\)",
    ):
        convert_checkpoint("ecgfounder-1lead", state)


@pytest.mark.parametrize(
    ("source", "other", "message"),
    [
        ("ecgfounder-12lead", "ecgfounder-1lead", r"stem.convolution.weight \(4, 1, 16\) instead of \(4, 12, 16\)"),
        (
            "ecgfounder-1lead",
            "clef-medium",
            "2 keys are missing .classifier.bias, classifier.weight. and 0 are",
        ),
        ("clef-medium", "ecgfounder-1lead", "0 keys are missing .none. and 2 are unknown .dense.bias, dense.weight"),
    ],
)
def test_another_sources_checkpoint_is_refused(source, other, message):
    with pytest.raises(ValueError, match=message):
        convert_checkpoint(source, original_state(other))


def test_tensors_that_are_there_twice_are_refused():
    state = original_state("clef-small")
    with pytest.raises(ValueError, match="first_bn.bias.*with and without backbone"):
        convert_checkpoint("clef-small", state | {key.removeprefix("backbone."): v for key, v in state.items()})


def test_a_training_checkpoint_with_figures_of_numpy_is_read(tmp_path):
    state = original_state("ecgfounder-1lead")
    extras = {"val_auroc": np.float64(0.9), "step": np.int64(3), "lr": np.float32(1e-4), "done": np.bool_(True)}
    torch.save({"state_dict": state, **extras}, tmp_path / "1_lead_ECGFounder.pth")
    model, _ = convert_checkpoint("ecgfounder-1lead", tmp_path / "1_lead_ECGFounder.pth")
    assert torch.equal(model.classifier.weight, state["dense.weight"])


def test_labels_are_the_published_ones(shared_data_dir):
    labels = (shared_data_dir / "ecgfounder_labels.txt").read_text().splitlines()
    for source in ("ecgfounder-12lead", "ecgfounder-1lead"):
        config = convert_checkpoint(source, original_state(source))[0].config
        assert [config.id2label[number] for number in range(150)] == labels and len(config.id2label) == 150
        assert config.label2id == {label: number for number, label in enumerate(labels)}
        assert config.problem_type == "multi_label_classification"


@pytest.mark.parametrize("source", SOURCES)
def test_the_card_tells_origin_licence_and_input(source, tmp_path):
    torch.save({"state_dict": original_state(source)}, tmp_path / "file.ckpt")
    card = (write_converted(source, tmp_path / "file.ckpt", tmp_path / "out") / "README.md").read_text()
    origin = convert.SOURCES[source]
    assert origin.repository in card and origin.commit in card and f"license: {origin.licence}" in card
    assert ("no patent rights" in card) == source.startswith("clef") and "500 Hz" in card


def test_a_single_lead_is_picked_by_name():
    generator = np.random.default_rng(0)
    signals = generator.normal(size=(12, 5000)).cumsum(-1).astype(np.float32) / 30
    _, clef = convert_checkpoint("clef-small", original_state("clef-small"))
    assert list(clef.leads) == list(STANDARD_LEADS)
    with pytest.raises(ValueError, match="say which by lead="):
        clef(signals, 500, STANDARD_LEADS, "mV")
    two = clef(signals, 500, STANDARD_LEADS, "mV", lead="V5").input_values
    assert two.shape == (1, 1, 5000)
    np.testing.assert_array_equal(two, clef(signals[10:11], 500, ["V5"], "mV").input_values)
    _, founder = convert_checkpoint("ecgfounder-1lead", original_state("ecgfounder-1lead"))
    np.testing.assert_array_equal(
        founder(signals, 500, STANDARD_LEADS, "mV").input_values,
        founder(signals[:1], 500, ["I"], "mV", lead="I").input_values,
    )
    with pytest.raises(ValueError, match="accepts \\['I'\\]"):
        founder(signals, 500, STANDARD_LEADS, "mV", lead="II")


def test_clef_takes_any_duration_and_rate_and_ecgfounder_ten_seconds():
    time = np.arange(3200) / 400
    signals = np.sin(2 * np.pi * time * np.arange(1, 13)[:, None] / 4)
    model, clef = convert_checkpoint("clef-small", original_state("clef-small"))
    batch = clef([signals, signals[:, :2000]], 400, STANDARD_LEADS, "mV", lead="I", return_tensors="pt")
    assert batch["input_values"].shape == (2, 1, 4000) and batch["sample_mask"].sum(1).tolist() == [4000, 2500]
    alone = clef(signals[:, :2000], 400, STANDARD_LEADS, "mV", lead="I", return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(
            model(**batch).pooler_output[1:], model(**alone).pooler_output, atol=1e-5, rtol=1e-5
        )
    _, founder = convert_checkpoint("ecgfounder-12lead", original_state("ecgfounder-12lead"))
    with pytest.raises(ValueError, match="4000 samples, the model wants 5000"):
        founder(signals, 400, STANDARD_LEADS, "mV")
    assert founder(np.tile(signals, 2)[:, :4000], 400, STANDARD_LEADS, "mV").input_values.shape == (1, 12, 5000)
