"""What every model of this package keeps to, whatever its family."""

import inspect

import pytest
import torch
from torch.utils._pytree import tree_leaves
from transformers import AutoConfig, AutoModel, AutoModelForPreTraining, set_seed

from hf_ecg import AutoModelForECGClassification, AutoModelForECGSurvival, __version__
from hf_ecg.auto import OWN_AUTO_CLASSES
from hf_ecg.models.shared.roles import ROLE_WORDS, ecg_config, ecg_encoder, model_role
from tests.models.tiny import CASES

pytestmark = pytest.mark.parametrize("name", list(CASES))


def build(name, rows=3):
    model_class, config, inputs, key = CASES[name]
    set_seed(0)
    return model_class(config()), inputs(rows, torch.Generator().manual_seed(1)), key


HEADS = {"classifier": AutoModelForECGClassification, "survival model": AutoModelForECGSurvival}


def gives(auto, config):
    return auto._model_mapping[type(config)] if type(config) in auto._model_mapping else None


def has_attention(model):
    return any("Attention" in type(module).__name__ for module in model.modules())


def with_norms_as_trained(model):
    """Batch norms whose statistics are those of a training: a zero is not a zero after them."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            for tensor, low in ((module.running_mean, -1), (module.running_var, 0.5), (module.weight.data, 0.5)):
                tensor.uniform_(low, 1.5)
    return model.eval()


def waveforms_of(inputs):
    """Of models that read beats instead, `test_beat_models.py` asks the same."""
    if "input_values" not in inputs:
        pytest.skip("the model reads no waveform")
    return inputs["input_values"]


def padded(inputs, real, total, before, filling):
    """`real` samples of each record from sample `before` of `total`, beside `filling` that is masked."""
    mask = torch.zeros(len(inputs["input_values"]), total, dtype=torch.bool)
    mask[:, before : before + real] = True
    inputs = dict(inputs)
    for prefix in ("", "second_"):
        if f"{prefix}input_values" in inputs:
            values = torch.full((*inputs[f"{prefix}input_values"].shape[:2], total), filling)
            values[:, :, before : before + real] = inputs[f"{prefix}input_values"][:, :, :real]
            inputs |= {f"{prefix}input_values": values, f"{prefix}sample_mask": mask}
    return inputs


def wants_a_loss(model, inputs):
    """What makes the model give a loss, beside its inputs."""
    rows = len(inputs[model.main_input_name])
    if model.role == "classifier":
        return {"labels": torch.eye(rows, model.config.num_labels)}
    if model.role == "survival model":
        return {"labels": torch.tensor([[200.0, 1.0]]).repeat(rows, 1)}
    if model.role == "delineation":
        labels = torch.ones(rows, inputs["input_values"].shape[2], dtype=torch.long)
        return {f"{track}_labels": labels for track in ("frame", "beat", "rhythm")}
    return {"return_loss": True} if "return_loss" in inspect.signature(model.forward).parameters else {}


def a_loss(model, inputs):
    """The model's own loss; of an encoder, which has none, the distance to something made up."""
    if model.role == "encoder":
        shape = (len(inputs[model.main_input_name]), model.config.hidden_size)
        target = torch.randn(shape, generator=torch.Generator().manual_seed(2))
        return (model(**inputs).pooler_output - target).pow(2).mean()
    return model(**inputs, **wants_a_loss(model, inputs)).loss


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


def test_a_row_does_not_depend_on_its_neighbours(name):
    model, inputs, key = build(name, rows=4)
    model.eval()
    together = model(**inputs)[key]
    for row in range(4):
        alone = model(**{entry: value[row : row + 1] for entry, value in inputs.items()})[key]
        torch.testing.assert_close(alone[0], together[row], atol=1e-5, rtol=1e-5)


LENGTHS = [(13, 14), (13, 160), (16, 48), (1, 160), (33, 128), (100, 131), (112, 160), (159, 160)]


@pytest.mark.parametrize("at_end", [True, False])
def test_a_record_gives_the_same_however_it_is_padded(name, at_end):
    """Alone, padded by a little and by much, at either end, and beside a longer one."""
    model, inputs, key = build(name, rows=2)
    waveforms_of(inputs)
    with_norms_as_trained(model)
    unit = vars(ecg_encoder(model).config).get("patch_size", 1)
    given = {entry: value for entry, value in inputs.items() if entry not in ("lead_mask", "sample_mask")}
    for real, total in LENGTHS:
        # patches: a record of part of one is looked at in the smallest number of them
        alone_length, total = -(-real // unit) * unit, -(-total // unit) * unit
        given = {
            entry: value for entry, value in inputs.items() if not entry.endswith("_mask") or "attention" in entry
        }
        alone = padded(given, real, alone_length, 0, 0.0)
        longer = padded(given, real, total, 0 if at_end else total - real, 7.0)
        if "mask_noise" in given:
            alone["mask_noise"] = given["mask_noise"][..., : alone_length // unit]
            longer["mask_noise"] = given["mask_noise"][..., : total // unit]
            if alone_length < 4 * unit:
                continue  # of so few patches the configuration keeps none
        # the last record of the batch is a whole one
        for prefix in ("", "second_"):
            if f"{prefix}input_values" in given:
                longer[f"{prefix}sample_mask"] = longer[f"{prefix}sample_mask"].clone()
                longer[f"{prefix}sample_mask"][-1] = True
        with torch.no_grad():
            outputs = [model(**batch)[key][0] for batch in (alone, longer)]
        wanted, found = outputs if "mask_noise" not in given else [one[:, : real // unit] for one in outputs]
        off = (found - wanted).abs().max().item()
        assert off < 1e-6 * max(1, wanted.abs().max().item()), f"{real} of {total} samples: off by {off:g}"


def test_a_mask_without_padding_changes_nothing(name):
    model, inputs, key = build(name)
    samples = waveforms_of(inputs).shape[2]
    given = {entry: value for entry, value in inputs.items() if not entry.endswith("_mask")}
    with_norms_as_trained(model)
    whole = padded(given, samples, samples, 0, 0.0)
    assert torch.equal(model(**whole)[key], model(**given)[key])


def test_what_is_padded_does_not_train(name):
    """In training a padded batch gives the gradients and the running statistics of one that is not padded."""
    states = []
    for total in (112, 160):
        model, inputs, key = build(name)
        waveforms_of(inputs)
        given = {entry: value for entry, value in inputs.items() if not entry.endswith("_mask")}
        batch = padded(given, 112, total, 0, 7.0)
        if "mask_noise" in given:
            batch["mask_noise"] = given["mask_noise"][..., : total // 16]
        output = model.train()(**batch)[key]
        output = output[:, :, :7] if "mask_noise" in given else output
        output.pow(3).sum().backward()
        states.append({**model.state_dict(), **{f"{n}.grad": p.grad for n, p in model.named_parameters()}})
    for entry, value in states[0].items():
        if value is not None:
            torch.testing.assert_close(states[1][entry], value, atol=1e-5, rtol=1e-3, msg=entry)


@pytest.mark.parametrize("filling", [7.0, float("nan")])
def test_what_stands_in_an_absent_lead_changes_nothing(name, filling):
    """Not the output, not the loss, not a gradient: a model reads the values that `check_inputs` returns."""
    found = []
    for fill in (0.0, filling):
        model, inputs, key = build(name)
        waveforms_of(inputs)
        for prefix in ("", "second_"):
            if (values := inputs.get(f"{prefix}input_values")) is None:
                continue
            mask = torch.ones(values.shape[:2], dtype=torch.bool)
            mask[:2, -1] = mask[0, 1:] = False
            changed = {"input_values": values.masked_fill(~mask[..., None], fill), "lead_mask": mask}
            inputs |= {f"{prefix}{entry}": value for entry, value in changed.items()}
        set_seed(0)
        outputs = model(**inputs, **wants_a_loss(model, inputs))
        outputs[key].pow(3).sum().backward()
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        found.append([*tree_leaves(outputs.to_tuple()), *gradients])
    assert all(leaf.isfinite().all() for leaf in found[1])
    assert len(found[0]) == len(found[1]) and all(map(torch.equal, *found))


def test_gradients_have_the_strides_of_their_weights(name):
    model, inputs, key = build(name)
    model.train()(**inputs)[key].pow(3).sum().backward()
    other = [n for n, p in model.named_parameters() if p.grad is not None and p.grad.stride() != p.stride()]
    assert not other, "DistributedDataParallel copies these, and says so"


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


def states_of(model, outputs, key):
    """What was recorded of the part of the model that the compared output comes from."""
    if model.role in ("encoder", "classifier", "survival model"):
        return outputs
    return outputs.text_model_output if key == "text_embeds" else outputs.ecg_model_output


def test_hidden_states_keep_their_gradient(name):
    model, inputs, key = build(name)
    outputs = model(**inputs, output_hidden_states=True)
    states = states_of(model, outputs, key).hidden_states
    assert len(states) > 1
    states[0].retain_grad()
    outputs[key].flatten()[0].backward()
    assert states[0].grad is not None and states[0].grad.abs().sum() > 0


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


def test_checkpointing_gives_the_same_gradients(name):
    gradients = []
    for checkpointing in (False, True):
        model, inputs, key = build(name)
        model.train()
        if checkpointing:
            model.activation_checkpointing_enable()
        model(**inputs)[key].pow(3).sum().backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for parameter, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][parameter], gradient, msg=parameter)


def test_half_precision_runs_and_stays_finite(name, tmp_path):
    model, inputs, key = build(name)
    model.save_pretrained(tmp_path)
    half = type(model).from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    assert half(**inputs)[key].isfinite().all()


def test_autocast_to_half_precision_stays_near(name):
    model, inputs, key = build(name)
    model.eval()
    with torch.no_grad():
        wanted = model(**inputs)[key]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(**inputs)[key].float()
    # of untrained heads the logits are near 0, as sums of terms that are not
    assert (found - wanted).abs().max() <= 1e-2 * wanted.abs().max().clamp(min=0.1)


def test_eager_attention_is_sdpa(name):
    model, inputs, key = build(name)
    model.eval()
    if not has_attention(model):
        pytest.skip("the model has no attention")
    key = "text_embeds" if "text_embeds" in model(**inputs) else key
    outputs = {}
    for attention in ("eager", "sdpa"):
        model.set_attn_implementation(attention)
        outputs[attention] = model(**inputs)[key]
    torch.testing.assert_close(outputs["eager"], outputs["sdpa"], atol=1e-5, rtol=1e-5)


def test_it_can_learn_a_batch_by_heart(name):
    model, inputs, key = build(name, rows=4)
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(40):
        loss = a_loss(model, inputs)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        # so large a step jumps about once it has arrived
        if losses[-1] < 0.7 * losses[0]:
            return
    pytest.fail(f"the loss goes from {losses[0]:.3g} to {min(losses):.3g} at best")


def test_every_parameter_learns(name):
    model, inputs, _ = build(name)
    model.train()
    a_loss(model, inputs).backward()
    unused = [key for key, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None]
    assert not unused, "DistributedDataParallel stops at parameters without a gradient"


def test_records_without_a_sample_are_refused(name):
    model, inputs, _ = build(name)
    waves = model.main_input_name == "input_values"
    inputs = {key: value[:, :, :0] if key.endswith("input_values") else value for key, value in inputs.items()}
    if not waves:
        inputs = {model.main_input_name: inputs[model.main_input_name][:, :0]}
    with pytest.raises(ValueError, match="without a sample|patch|without a place"):
        model(**{key: value for key, value in inputs.items() if not key.endswith("sample_mask")})


def test_a_batch_without_a_record_is_refused(name):
    model, inputs, _ = build(name)
    with pytest.raises(ValueError, match="a batch without a record"):
        model(**{key: value[:0] for key, value in inputs.items()})


def test_what_it_is_fed_with_is_named_in_its_signature(name):
    """A key that disappears in `**kwargs` is work for nothing, or a mask that nobody looks at."""
    model, inputs, _ = build(name)
    assert set(inputs) <= set(inspect.signature(model.forward).parameters)


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
