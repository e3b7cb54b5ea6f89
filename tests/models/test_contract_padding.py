"""What every model makes of neighbours, padding, absent leads and nothing at all, whatever its family."""

import inspect

import pytest
import torch
from torch.utils._pytree import tree_leaves
from transformers import set_seed

from hf_ecg.models.shared.roles import ecg_encoder
from tests.models.contract import build, padded, wants_a_loss, waveforms_of, with_norms_as_trained
from tests.models.tiny import CASES

pytestmark = pytest.mark.parametrize("name", list(CASES))


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
    """Alone, padded by a little and by much, at either end (some, where padding stands first), beside a longer one."""
    model, inputs, key = build(name, rows=2)
    waveforms_of(inputs)
    with_norms_as_trained(model)
    unit = vars(ecg_encoder(model).config).get("patch_size", 1)
    given = {entry: value for entry, value in inputs.items() if entry not in ("lead_mask", "sample_mask")}
    for real, total in LENGTHS if at_end else LENGTHS[1::3]:
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
