"""What every model that reads beats keeps to, beside `test_contract.py`; no family is named here."""

import pytest
import torch

from hf_ecg.models.shared.beat_inputs import BEATS
from hf_ecg.models.shared.roles import ecg_encoder
from tests.models.contract import build, wants_a_loss
from tests.models.tiny import CASES

# released arithmetic looks at padding
NAMES = [name for name, case in CASES.items() if case[0].main_input_name == BEATS and "compat" not in name]
pytestmark = pytest.mark.parametrize("name", NAMES)


@pytest.mark.parametrize("filling", [7.0, float("nan")])
def test_what_stands_where_no_beat_is_changes_nothing(name, filling):
    """Not the output, not the loss, not a gradient."""
    found = []
    for fill in (0.0, filling):
        model, inputs, key = build(name)
        there = torch.ones(inputs[BEATS].shape[:2], dtype=torch.bool) & inputs.get("beat_mask", torch.tensor(True))
        there[:2, -1] = there[0, 5:] = False
        inputs |= {BEATS: inputs[BEATS].masked_fill(~there[..., None], fill), "beat_mask": there}
        torch.manual_seed(0)
        outputs = model(**inputs, **wants_a_loss(model, inputs))
        outputs[key].pow(3).sum().backward()
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        found.append([outputs[key], *gradients])
    assert all(leaf.isfinite().all() for leaf in found[1])
    assert all(map(torch.equal, *found))


def test_a_record_without_a_beat_has_finite_numbers(name):
    model, inputs, key = build(name)
    there = torch.ones(inputs[BEATS].shape[:2], dtype=torch.bool)
    there[0] = False
    outputs = model(**inputs | {"beat_mask": there}, **wants_a_loss(model, inputs))
    outputs[key].pow(3).sum().backward()
    assert outputs[key].isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


def test_two_calls_are_equal(name):
    model, inputs, key = build(name)
    assert torch.equal(model.eval()(**inputs)[key], model(**inputs)[key])


def test_an_encoder_is_taken_out_of_what_stands_around_it_without_a_word(name, tmp_path):
    model = build(name)[0]
    model.save_pretrained(tmp_path)
    _, info = type(ecg_encoder(model)).from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()), info


def test_ids_are_whole_numbers(name):
    model, inputs, _ = build(name)
    for ids in ("lead_ids", "time_ids", "peak_samples"):
        value = inputs.get(ids, torch.ones(inputs[BEATS].shape[:2]))
        with pytest.raises(ValueError, match=f"{ids} has the type torch.float32, wanted whole numbers"):
            model(**inputs | {ids: value.float()})


def test_each_token_says_where_on_the_ecg_it_lies(name):
    model, inputs, _ = build(name)
    encoder = ecg_encoder(model.eval())
    given = {key: inputs[key] for key in (BEATS, "beat_mask", "lead_ids", "time_ids", "peak_samples") if key in inputs}
    outputs = encoder(**given)
    shape = outputs.last_hidden_state.shape[:2]
    assert outputs.token_positions.shape == outputs.token_leads.shape == outputs.token_mask.shape == shape
    assert (outputs.token_positions[~outputs.token_mask] == -1).all()
    beats = outputs.token_mask & (outputs.token_positions >= 0)
    for row in range(shape[0]):
        there = given["beat_mask"][row] if "beat_mask" in given else torch.ones_like(given["lead_ids"][row]).bool()
        wanted = torch.stack([given["peak_samples"][row][there], given["lead_ids"][row][there] - 1], dim=1)
        found = torch.stack([outputs.token_positions[row], outputs.token_leads[row]], dim=1)[beats[row]]
        assert torch.equal(found, wanted)
