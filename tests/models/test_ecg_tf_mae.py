"""The masked autoencoder with filters and prototypes: what filters, masks, losses and the teacher keep to."""

import cmath
import math

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from transformers import set_seed

from hf_ecg import ECGTFMAEForPreTraining, ECGTFMAEModel
from hf_ecg.losses import masked_reconstruction_loss, masked_spectrum_loss
from tests.models import ecg_tf_mae_ranks
from tests.models.tiny.ecg_tf_mae import ecg_tf_mae_config
from tests.models.tiny.inputs import waveforms
from tests.processes import run_ranks


def build(kind=ECGTFMAEModel, **options):
    set_seed(0)
    return kind(ecg_tf_mae_config(**options)).eval()


def some(rows=2, seed=0):
    return waveforms(rows, torch.Generator().manual_seed(seed))["input_values"]


def filter_by_hand(part, tokens, gated):
    """One record's tokens (tokens, channels) through the filter, by sums over frequencies and neighbours."""
    places, channels = 10, tokens.shape[1]
    kernel = part.temporal.weight.shape[-1]
    mean = tokens.mean(dim=0)
    mix = torch.sigmoid(part.mix(mean)).tolist()
    added = torch.zeros_like(tokens)
    lines = [[0j] * channels for _ in range(places // 2 + 1)]
    for k in range(places // 2 + 1):
        for c in range(channels):
            waves = (cmath.exp(-2j * math.pi * k * t / places) * tokens[t, c].item() for t in range(len(tokens)))
            lines[k][c] = sum(waves) / math.sqrt(places)
    for k, line in enumerate(lines):
        weights = [complex(*part.spectrum[:, k, c].tolist()) for c in range(channels)]
        if gated:
            power = torch.tensor([abs(value) ** 2 for value in line], dtype=tokens.dtype)
            opened = torch.sigmoid(part.frequency_gate((power + 1e-6).sqrt())).tolist()
            weights = [weight * share for weight, share in zip(weights, opened, strict=True)]
        lines[k] = [value * weight for value, weight in zip(line, weights, strict=True)]
    for t in range(len(tokens)):
        for c in range(channels):
            wave = 0.0
            for k in range(places // 2 + 1):
                twice = 1 if k in (0, places // 2) else 2
                turned = lines[k][c] * cmath.exp(2j * math.pi * k * t / places)
                wave += twice * turned.real / math.sqrt(places)
            near = part.temporal.bias[c].item()
            for j in range(kernel):
                if 0 <= t + j - kernel // 2 < len(tokens):
                    near += part.temporal.weight[c, 0, j].item() * tokens[t + j - kernel // 2, c].item()
            added[t, c] = mix[c] * wave + (1 - mix[c]) * near
    return part.norm(tokens + added)


@pytest.mark.parametrize(("tokens", "gated"), [(10, False), (7, True)])
def test_the_filter_is_a_gated_sum_of_two_convolutions(tokens, gated):
    part = build(hidden_size=4, frequency_gate=gated, initializer_range=0.3).filters[0].double()
    values = torch.randn(2, tokens, 4, dtype=torch.float64)
    with torch.no_grad():
        found = part(values)
        wanted = torch.stack([filter_by_hand(part, row, gated) for row in values])
    torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-9)


def test_kept_tokens_are_filtered_in_their_places():
    """The filter sees a record with holes, not the kept tokens side by side."""
    part = build(initializer_range=0.3).filters[0]
    values, places = torch.randn(1, 10, 16), torch.tensor([[7, 2, 5]])
    holed = torch.zeros(1, 10, 16).index_copy(1, places[0], values[:, places[0]])
    seen = torch.zeros(1, 10, dtype=torch.bool).index_fill(1, places[0], True)
    whole = part(holed, seen)[:, places[0]]
    torch.testing.assert_close(part(values[:, places[0]], None, places), whole)
    # a token that counts for nothing does not overwrite the one whose place it was given
    doubled = torch.cat([values[:, places[0]], torch.ones(1, 1, 16)], dim=1)
    counted = torch.tensor([[True, True, True, False]])
    again = part(doubled, counted, torch.tensor([[7, 2, 5, 7]]))[:, :3]
    torch.testing.assert_close(again, whole)


def test_every_token_is_a_patch_of_all_leads_and_the_pool_is_their_mean():
    model, values = build(), some()
    outputs = model(values)
    assert outputs.last_hidden_state.shape == (2, 10, 16)
    torch.testing.assert_close(outputs.pooler_output, model.norm(outputs.last_hidden_state.mean(dim=1)))
    leads = torch.ones(2, 12, dtype=torch.bool)
    leads[0, 5] = False
    masked = model(values, lead_mask=leads).pooler_output
    assert not torch.allclose(masked[0], outputs.pooler_output[0])
    assert torch.equal(masked[0], model(values.index_fill(1, torch.tensor([5]), 0.0)).pooler_output[0])
    assert model(values, lead_mask=torch.zeros_like(leads)).pooler_output.isfinite().all()


def test_without_filters_it_is_a_plain_transformer():
    assert not build(num_filter_layers=0).filters
    with_them, without = build(num_filter_layers=2), build(num_filter_layers=2)
    without.filters = torch.nn.ModuleList()
    assert not torch.allclose(with_them(some()).pooler_output, without(some()).pooler_output)


def test_what_was_removed_does_not_reach_the_prediction_but_the_targets():
    model, values, noise = build(ECGTFMAEForPreTraining), some(), torch.rand(2, 10)
    outputs = model(values, mask_noise=noise)
    assert (~outputs.removed).sum(-1).eq(2).all()
    assert not outputs.removed.gather(-1, noise.argsort(-1)[:, :2]).any()
    changed = torch.where(outputs.removed[:, None, :, None], 9.0, values.unflatten(-1, (-1, 16))).flatten(2)
    again = model(changed, mask_noise=noise)
    assert torch.equal(again.prediction, outputs.prediction)
    for name in ("time_loss", "frequency_loss", "fine_loss", "coarse_loss"):
        assert not torch.equal(again[name], outputs[name]), name


def test_the_losses_judge_what_was_removed_and_holds_a_record():
    options = {"frequency_loss_weight": 0.3, "fine_loss_weight": 0.7, "coarse_loss_weight": 1.1}
    model, values, noise = build(ECGTFMAEForPreTraining, **options), some(3), torch.rand(3, 10)
    leads, samples = torch.ones(3, 12, dtype=torch.bool), torch.ones(3, 160, dtype=torch.bool)
    leads[0, 4:], samples[2, 80:] = False, False
    outputs = model(values, leads, samples, mask_noise=noise)
    assert (~outputs.removed[2]).sum() == 1 and outputs.removed[2, 5:].all()
    judged = outputs.removed[:, None].repeat(1, 12, 1)
    judged[0, 4:], judged[2, :, 5:] = False, False
    patches = values.unflatten(-1, (-1, 16))
    torch.testing.assert_close(outputs.time_loss, masked_reconstruction_loss(outputs.prediction, patches, judged))
    torch.testing.assert_close(outputs.frequency_loss, masked_spectrum_loss(outputs.prediction, patches, judged))
    parts = outputs.time_loss + 0.3 * outputs.frequency_loss + 0.7 * outputs.fine_loss + 1.1 * outputs.coarse_loss
    torch.testing.assert_close(outputs.loss, parts)
    # what is padded, and what stands in an absent lead, is in no loss
    values[0, 4:], values[2, :, 80:] = 5.0, -3.0
    again = model(values, leads, samples, mask_noise=noise)
    torch.testing.assert_close(again.loss, outputs.loss)


def test_time_alone_overfits_a_few_records():
    """Two records are learned by heart in few steps: the decoder hears what was kept from the first one."""
    alone = {"frequency_loss_weight": 0, "fine_loss_weight": 0, "coarse_loss_weight": 0, "mask_ratio": 0.5}
    sizes = {"hidden_size": 32, "decoder_hidden_size": 32, "initializer_range": 0.1}
    model, values = build(ECGTFMAEForPreTraining, **alone, **sizes).train(), some()
    noise = torch.rand(2, 10, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        loss = model(values, mask_noise=noise).time_loss
        loss.backward()
        optimizer.step()
    # predicting zero costs 15/16; without the decoder's filter 0.12 is left after as many steps
    assert float(loss.detach()) < 0.05


def test_parts_without_a_weight_are_not_there():
    plain = build(ECGTFMAEForPreTraining, fine_loss_weight=0, coarse_loss_weight=0.0)
    outputs = plain(some())
    assert plain.teacher is None and outputs.fine_loss is None and outputs.coarse_loss is None
    plain.after_step(0)
    named = build(ECGTFMAEForPreTraining, coarse_loss_weight=0, prototype_reconstruction=False)
    assert named.fine.patches is None and named(some()).coarse_loss is None


def test_a_patch_is_made_up_of_the_prototypes_that_it_was_given():
    model, values, noise = build(ECGTFMAEForPreTraining), some(), torch.rand(2, 10)
    outputs = model(values, mask_noise=noise)
    with torch.no_grad():
        model.fine.patches.weight += 1.0
    # the shares of the prototypes sum to one
    added = model(values, mask_noise=noise).prediction - outputs.prediction
    torch.testing.assert_close(added, torch.ones_like(added))


def test_teacher_and_center_move_after_a_step():
    model, values = build(ECGTFMAEForPreTraining, teacher_momentum=0.5, teacher_momentum_end=0.5), some()
    model.begin_training(10)
    model.train()
    with torch.no_grad():
        model.encoder.norm.weight.mul_(3)
    before = model.fine.center.clone()
    model(values, mask_noise=torch.rand(2, 10))
    model.after_step(0)
    torch.testing.assert_close(model.teacher.encoder.norm.weight, torch.full((16,), 2.0))
    assert not torch.equal(model.fine.center, before)
    settled = model.fine.center.clone()
    model.after_step(1)  # nothing was seen since
    assert torch.equal(model.fine.center, settled)
    assert not any(parameter.requires_grad for parameter in model.teacher.parameters())


# what is its own on two processes is its losses: tests/losses/test_distributed.py
@pytest.mark.large
@pytest.mark.distributed
def test_two_processes_take_the_step_of_one(tmp_path):
    run_ranks(ecg_tf_mae_ranks.main, tmp_path)
    wanted_losses, wanted, wanted_center = ecg_tf_mae_ranks.step(slice(None))
    for rank in range(2):
        losses, gradients, center = torch.load(tmp_path / f"rank{rank}.pt")
        torch.testing.assert_close(losses, wanted_losses, rtol=1e-6, atol=0)  # losses are of single precision
        torch.testing.assert_close(center, wanted_center, rtol=1e-6, atol=1e-9)
        assert gradients.keys() == wanted.keys()
        for name, gradient in gradients.items():
            # a softmax does not see the keys' bias: its gradient is rounding
            assert (gradient - wanted[name]).norm() <= 1e-6 * wanted[name].norm() + 1e-15, name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_filter_layers": 3}, "num_filter_layers is 3, wanted 0 to 2"),
        ({"decoder_num_filter_layers": 2}, "decoder_num_filter_layers is 2, wanted 0 to 1"),
        ({"filter_kernel_size": 4}, "filter_kernel_size is 4, wanted an odd number"),
        ({"mask_ratio": 0.95}, "keeps 0 of 10"),
        ({"fine_loss_weight": -1.0}, "fine_loss_weight is -1.0, wanted 0 or more"),
        ({"frequency_loss_weight": float("nan")}, "frequency_loss_weight is nan"),
        ({"teacher_temperature": 0}, "teacher_temperature is 0, wanted above 0"),
        ({"num_coarse_prototypes": 1}, "num_coarse_prototypes is 1"),
        ({"sinkhorn_iterations": 0}, "sinkhorn_iterations is 0"),
        ({"teacher_momentum": 1.5}, "teacher_momentum is 1.5, wanted 0 to 1"),
        ({"hidden_size": 15}, "hidden_size is 15"),
        ({"patch_size": 33}, "patch_size is 33"),
    ],
)
def test_a_network_that_cannot_be_is_refused(values, message):
    with pytest.raises(StrictDataclassError, match=message):
        ecg_tf_mae_config(**values)


def test_an_encoder_is_taken_out_of_its_pretraining_model_without_a_word(tmp_path):
    build(ECGTFMAEForPreTraining).save_pretrained(tmp_path)
    _, info = ECGTFMAEModel.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(info.values()), info
