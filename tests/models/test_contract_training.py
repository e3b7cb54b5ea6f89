"""How every model trains and computes in half precision, whatever its family."""

import pytest
import torch

from tests.models.contract import a_loss, build, has_attention, states_of
from tests.models.tiny import CASES

# the last case of each class has the most of it
LAST_OF_A_CLASS = list({case[0]: name for name, case in CASES.items()}.values())
every_case = pytest.mark.parametrize("name", list(CASES))


@every_case
def test_gradients_have_the_strides_of_their_weights(name):
    model, inputs, key = build(name)
    model.train()(**inputs)[key].pow(3).sum().backward()
    other = [n for n, p in model.named_parameters() if p.grad is not None and p.grad.stride() != p.stride()]
    assert not other, "DistributedDataParallel copies these, and says so"


@every_case
def test_hidden_states_keep_their_gradient(name):
    model, inputs, key = build(name)
    outputs = model(**inputs, output_hidden_states=True)
    states = states_of(model, outputs, key).hidden_states
    assert len(states) > 1
    states[0].retain_grad()
    outputs[key].flatten()[0].backward()
    assert states[0].grad is not None and states[0].grad.abs().sum() > 0


@every_case
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


@every_case
def test_half_precision_runs_and_stays_finite(name, tmp_path):
    model, inputs, key = build(name)
    model.save_pretrained(tmp_path)
    half = type(model).from_pretrained(tmp_path, dtype=torch.bfloat16).eval()
    assert half(**inputs)[key].isfinite().all()


@every_case
def test_autocast_to_half_precision_stays_near(name):
    model, inputs, key = build(name)
    model.eval()
    with torch.no_grad():
        wanted = model(**inputs)[key]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = model(**inputs)[key].float()
    # of untrained heads the logits are near 0, as sums of terms that are not
    assert (found - wanted).abs().max() <= 1e-2 * wanted.abs().max().clamp(min=0.1)


@every_case
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


@pytest.mark.parametrize("name", LAST_OF_A_CLASS)
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


@every_case
def test_every_parameter_learns(name):
    model, inputs, _ = build(name)
    model.train()
    a_loss(model, inputs).backward()
    unused = [key for key, parameter in model.named_parameters() if parameter.requires_grad and parameter.grad is None]
    assert not unused, "DistributedDataParallel stops at parameters without a gradient"
