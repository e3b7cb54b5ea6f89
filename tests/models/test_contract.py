"""What every model of this package keeps to, whatever its family: what is saved, how it is called, what it gives.

The same of its masks in `test_contract_padding.py`, and of its gradients and numbers in `test_contract_training.py`.
"""

import pytest
import torch
from torch.utils._pytree import tree_leaves
from transformers import AutoConfig, AutoModel, AutoModelForPreTraining

from hf_ecg import __version__
from hf_ecg.auto import OWN_AUTO_CLASSES
from hf_ecg.models.shared.roles import ROLE_WORDS, ecg_config, ecg_encoder, model_role
from tests.models.contract import HEADS, build, gives, has_attention, states_of
from tests.models.tiny import CASES

pytestmark = pytest.mark.parametrize("name", list(CASES))


def test_an_empty_checkpoint_leaves_nothing_uninitialised(name):
    model_class, config, _, _ = CASES[name]
    model = model_class.from_pretrained(None, config=config(), state_dict={})
    tensors = [*model.named_parameters(), *model.named_buffers()]
    assert not [key for key, tensor in tensors if tensor.device.type == "meta"]
    assert all(tensor.isfinite().all() and tensor.abs().max() < 100 for _, tensor in tensors)


def test_buffers_are_restored_by_the_initialisation(name):
    model_class, config, _, _ = CASES[name]
    wanted = model_class(config())
    with torch.device("meta"):
        model = model_class(config())
    model.to_empty(device="cpu")
    for buffer in model.buffers():
        buffer.fill_(-7)
    model.init_weights()
    for (key, ours), (_, theirs) in zip(model.named_buffers(), wanted.named_buffers(), strict=True):
        assert torch.equal(ours, theirs), key


def test_saved_and_reloaded_it_is_bit_equal(name, tmp_path):
    model, inputs, key = build(name)
    model.eval().save_pretrained(tmp_path)
    again, info = type(model).from_pretrained(tmp_path, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    assert torch.equal(model(**inputs)[key], again.eval()(**inputs)[key])
    autos = (AutoModel, AutoModelForPreTraining, *OWN_AUTO_CLASSES)
    auto = next(auto for auto in autos if gives(auto, model.config) is type(model))
    assert type(auto.from_pretrained(tmp_path)) is type(model)
    # an encoder out of its own head's checkpoint: nothing is wrong, and nothing is said
    if model.role in HEADS:
        _, info = type(ecg_encoder(model)).from_pretrained(tmp_path, output_loading_info=True)
        assert not any(info.values()), (
            f"{info}: the encoder's _keys_to_ignore_on_load_unexpected names its heads' layers"
        )
    # the layer of a head means something else in another kind of head
    for role, other in HEADS.items():
        if model.role in HEADS and role != model.role:
            with pytest.raises(ValueError, match=f"holds {type(model).__name__}, whose outputs are not those of"):
                other.from_pretrained(tmp_path)


def test_the_configuration_survives_and_names_its_version(name, tmp_path):
    config = CASES[name][1]()
    config.save_pretrained(tmp_path)
    again = AutoConfig.from_pretrained(tmp_path)
    assert again.to_diff_dict() | {"_name_or_path": ""} == config.to_diff_dict() | {"_name_or_path": ""}
    assert again.hf_ecg_version == __version__
    for field in ("num_leads", "num_samples", "sampling_rate"):
        assert getattr(again, field) == getattr(config, field)


def test_the_first_layer_is_found_and_changed(name):
    model, inputs, key = build(name)
    layer = ecg_encoder(model).get_input_embeddings()
    assert isinstance(layer, torch.nn.Module) and layer.weight.shape[0] > 0
    seen = []

    class Instead(torch.nn.Module):
        weight = layer.weight

        def forward(self, values):
            seen.append(values.shape)
            return layer(values)

    ecg_encoder(model).set_input_embeddings(Instead())
    assert isinstance(ecg_encoder(model).get_input_embeddings(), Instead)
    model(**inputs)
    assert seen and model.get_input_embeddings() is not None


def test_it_takes_its_own_dummy_inputs(name):
    model = build(name)[0].eval()
    assert all(leaf.isfinite().all() for leaf in tree_leaves(model(**model.dummy_inputs).to_tuple()))


def test_the_configuration_may_ask_for_hidden_states_and_nobody_gets_them_unasked(name):
    model, inputs, _ = build(name)
    encoder = ecg_encoder(model.eval())
    values = inputs[encoder.main_input_name]
    assert encoder(values).hidden_states is None
    asked = encoder(values, output_hidden_states=True).hidden_states
    encoder.config.output_hidden_states = True
    assert all(map(torch.equal, encoder(values).hidden_states, asked))


def test_attentions_are_recorded_and_handed_on(name):
    model, inputs, key = build(name)
    if not has_attention(model):
        pytest.skip("the model has no attention")
    model.eval().set_attn_implementation("eager")
    weights = states_of(model, model(**inputs, output_attentions=True), key).attentions
    assert weights or key == "ecg_embeds"
    for layer in weights or ():
        torch.testing.assert_close(layer.sum(-1), torch.ones_like(layer.sum(-1)))


def test_tuple_and_dict_hold_the_same(name):
    model, inputs, _ = build(name)
    model.eval()
    as_dict, as_tuple = model(**inputs), model(**inputs, return_dict=False)
    assert len(as_dict.to_tuple()) == len(as_tuple)
    # outputs of parts are tuples in the tuple
    ours, theirs = tree_leaves(as_dict.to_tuple()), tree_leaves(as_tuple)
    assert len(ours) == len(theirs) and all(map(torch.equal, ours, theirs))


def test_it_has_a_role_and_a_bare_encoder_that_is_saved_alone(name, tmp_path):
    model, inputs, _ = build(name)
    assert model_role(model) in ROLE_WORDS
    encoder = ecg_encoder(model.eval())
    assert (encoder is model) == (model.role == "encoder") and model_role(encoder) == "encoder"
    assert ecg_config(model.config).to_dict() | {"architectures": None} == encoder.config.to_dict() | {
        "architectures": None
    }
    encoder.save_pretrained(tmp_path)
    again = AutoModel.from_pretrained(tmp_path).eval()
    values = inputs[encoder.main_input_name]
    assert torch.equal(again(values).pooler_output, encoder(values).pooler_output)
    model.after_step(1)
