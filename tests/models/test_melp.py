"""MELP's encoder: what is converted and refused, what its outputs keep to. Needs no golden data."""

import numpy as np
import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import set_seed

from hf_ecg import MELPForECGClassification, MELPModel
from hf_ecg.convert import convert_checkpoint
from tests.conftest import REPOSITORY
from tests.models.published_melp import committed_signals, original_state
from tests.models.tiny.inputs import waveforms
from tests.models.tiny.melp import melp_config

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


@pytest.fixture(scope="module")
def model():
    set_seed(0)
    return MELPModel(melp_config()).eval()


@pytest.fixture(scope="module")
def ecgs():
    return waveforms(2, torch.Generator().manual_seed(0))["input_values"]


@pytest.fixture(scope="module")
def published():
    return original_state(generator=torch.Generator().manual_seed(0))


@torch.no_grad()
def test_the_probe_reads_beats_before_their_projection_and_records_lie_at_the_mean_behind_it(model, ecgs):
    outputs = model(ecgs)
    assert outputs.last_hidden_state.shape == outputs.beat_embeds.shape == (2, 3, 16)
    assert outputs.caption_states.shape == (2, 5, 24) and outputs.frame_states.shape[2] == 16
    torch.testing.assert_close(outputs.pooler_output, outputs.last_hidden_state.mean(dim=1))
    torch.testing.assert_close(
        outputs.beat_embeds.mean(dim=1), outputs.pooler_output @ model.beat_projection, atol=1e-5, rtol=1e-4
    )


def test_where_a_beat_query_looks_is_told_and_never_at_padding(model, ecgs):
    set_seed(0)
    eager = MELPModel(melp_config(attn_implementation="eager")).eval()
    eager.load_state_dict(model.state_dict())
    mask = torch.ones(2, 160, dtype=torch.bool)
    mask[1, 100:] = False
    outputs = eager(ecgs, sample_mask=mask, output_attentions=True)
    looked = outputs.beat_attentions
    assert looked.shape == (2, 2, 3, outputs.frame_states.shape[1])
    torch.testing.assert_close(looked.sum(dim=-1), torch.ones(2, 2, 3))
    assert not looked[1, :, :, ~outputs.frame_mask[1]].any() and model(ecgs).beat_attentions is None


@torch.no_grad()
def test_which_outputs_there_are_does_not_hang_on_what_is_padded(model, ecgs):
    mask = torch.ones(2, 160, dtype=torch.bool)
    mask[1, 100:] = False
    together, alone = model(ecgs, sample_mask=mask), model(ecgs[:1], sample_mask=mask[:1])
    assert list(together) == list(alone) and torch.equal(together.frame_mask[:1], alone.frame_mask)
    assert model(ecgs).frame_mask is None


def test_a_head_trains_what_it_reads_and_nothing_else(ecgs):
    head = MELPForECGClassification(melp_config(num_labels=2))
    head(ecgs, labels=torch.ones(2, 2)).loss.backward()
    still = {name for name, parameter in head.named_parameters() if parameter.grad is None}
    assert {name.split(".")[1].split("_")[0] for name in still} == {"beat", "caption"}
    assert not any(head.get_parameter(name).requires_grad for name in still)


@pytest.mark.parametrize("prefix", ["", "model.", "ecg_encoder.", "model.ecg_encoder."])
def test_the_published_file_is_taken_whatever_all_its_names_begin_with(published, prefix):
    model, _ = convert_checkpoint("melp", {f"{prefix}{key}": value for key, value in published.items()})
    assert torch.equal(model.beat_projection, published["proj_contrast"])
    assert torch.equal(model.caption_pooling.attention.key.weight, published["attn_pool_caption.attn.k_proj_weight"])
    query, _, value = published["attn_pool_contrast.attn.in_proj_bias"].chunk(3)
    assert torch.equal(model.beat_pooling.attention.query.bias, query)
    assert torch.equal(model.beat_pooling.attention.value.bias, value)
    assert (model.config.num_beat_queries, model.config.body_config.num_hidden_layers) == (3, 2)


@torch.no_grad()
def test_a_committed_checkpoint_gives_its_old_numbers():
    folder = REPOSITORY / "tests" / "checkpoints" / "melp_original_tiny"
    expected = np.load(folder / "expected.npz")
    model, extractor = convert_checkpoint("melp", folder / "model.safetensors")  # in bfloat16, as the published one
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    outputs = model(**extractor(committed_signals(), 500, LEADS, "mV", return_tensors="pt"))
    for name in ("pooler_output", "beat_embeds", "caption_states"):
        np.testing.assert_allclose(outputs[name], expected[name], atol=1e-5, rtol=1e-5, err_msg=name)


def test_the_encoder_of_a_whole_checkpoint_is_the_same():
    whole = original_state(whole=True)
    alone = {key.removeprefix("ecg_encoder."): value for key, value in whole.items() if key.startswith("ecg_encoder.")}
    first, second = (convert_checkpoint("melp", state)[0].state_dict() for state in (whole, alone))
    assert all(torch.equal(value, second[key]) for key, value in first.items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state | {"other.attn_pool_contrast.query": torch.zeros(3, 16)}, "2 of its .* keys end in"),
        (lambda state: {key: value for key, value in state.items() if "attn_pool" not in key}, "0 of its .* keys end"),
        (lambda state: state | {"more": torch.zeros(2)}, "1 are unknown .more."),
        (lambda state: {key: value for key, value in state.items() if key != "ln_caption.bias"}, "1 keys are missing"),
        (lambda state: state | {"proj_contrast": torch.full((16, 16), torch.nan)}, "not finite floats"),
    ],
)
def test_another_file_is_refused(published, change, message):
    with pytest.raises(ValueError, match=message):
        convert_checkpoint("melp", change(dict(published)))


def prepared(signals, leads, rate=500):
    _, extractor = convert_checkpoint("melp", original_state())
    return extractor(signals, rate, leads, "mV", return_tensors="pt")


def test_the_preparation_is_the_originals():
    """The whole record to 0..1, aVF before aVL."""
    signals = np.random.default_rng(0).normal(size=(12, 5000)).astype(np.float32)
    found = prepared(signals, LEADS)["input_values"][0].numpy()
    order = [LEADS.index(lead) for lead in ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]]
    wanted = (signals[order] - signals.min()) / (signals.max() - signals.min())
    np.testing.assert_allclose(found, wanted, atol=1e-6)


@torch.no_grad()
def test_one_lead_a_flat_record_and_other_lengths():
    model, extractor = convert_checkpoint("melp", original_state(generator=torch.Generator().manual_seed(1)))
    one = prepared(np.random.default_rng(0).normal(size=(1, 5000)).astype(np.float32), ["II"])
    assert one["lead_mask"].sum() == 1 and model(**one).pooler_output.isfinite().all()
    absent = one["input_values"].masked_fill(~one["lead_mask"][..., None], 7.0)
    torch.testing.assert_close(model(absent, lead_mask=one["lead_mask"]).pooler_output, model(**one).pooler_output)
    flat = prepared(np.zeros((12, 5000), np.float32) + 0.1, LEADS)
    assert model(**flat).pooler_output.isfinite().all()
    with pytest.raises(ValueError, match="5000"):
        prepared(np.random.default_rng(0).normal(size=(12, 2500)).astype(np.float32), LEADS)
    windows = prepared(np.random.default_rng(0).normal(size=(12, 30_000)).astype(np.float32), LEADS)
    assert windows["record_index"].tolist() == [0] * 6
    for seconds in (5, 60):
        # the network itself takes any length
        assert model(torch.randn(1, 12, 500 * seconds)).beat_embeds.shape == (1, 3, 16)
    with pytest.raises(ValueError, match="12"):
        model(torch.zeros(1, 8, 5000))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"body_config": {"model_type": "bert"}}, "body_config is of type 'bert', wanted 'ecg_fm'"),
        ({"num_pooling_heads": 3}, "hidden_size is 16, wanted a multiple of the 3 heads"),
        ({"num_beat_queries": 0}, "num_beat_queries is 0"),
    ],
)
def test_configurations_that_do_not_fit(options, message):
    with pytest.raises(StrictDataclassError) as found:
        melp_config(**options)
    assert message in str(found.value.__cause__)
