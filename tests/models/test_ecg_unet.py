"""The U-Net: limb leads are computed, measured leads stay, least squares is where it begins."""

import numpy as np
import pytest
import torch
from transformers import AutoModelForPreTraining, set_seed

from hf_ecg import ECGUNetConfig, ECGUNetForLeadReconstruction, ECGUNetModel
from hf_ecg.models.ecg_unet.least_squares import least_squares_weights
from hf_ecg.signals import derive_limb_leads
from hf_ecg.signals.leads import LIMB_LEADS, STANDARD_LEADS
from tests.models.tiny.ecg_unet import unet_config


def ecg(rows=2, samples=120, seed=0):
    """float32 (rows, 12, samples) whose limb leads agree."""
    random = np.random.default_rng(seed)
    pair = random.normal(size=(rows, 2, samples))
    limb = derive_limb_leads(pair, ["I", "II"])[0]
    chest = np.einsum("cl,rls->rcs", random.normal(size=(6, 2)), pair) + random.normal(size=(rows, 6, samples))
    return torch.from_numpy(np.concatenate([limb, chest], axis=1)).float()


def mask_of(rows, *leads):
    return torch.tensor([lead in leads for lead in STANDARD_LEADS]).expand(rows, 12)


@pytest.fixture(scope="module")
def model():
    set_seed(0)
    network = ECGUNetForLeadReconstruction(unet_config()).eval()
    torch.nn.init.normal_(network.head.weight, std=0.3)  # as after a training: what it adds is not small
    return network


@pytest.mark.parametrize("pair", [("I", "II"), ("III", "aVF"), ("aVR", "aVL"), ("II", "aVL")])
def test_two_limb_leads_give_the_other_four_exactly(model, pair):
    values = ecg()
    leads = model(values, lead_mask=mask_of(2, *pair, "V3")).reconstruction
    torch.testing.assert_close(leads[:, :6], values[:, :6], atol=2e-6, rtol=0)
    assert not torch.allclose(leads[:, 6], values[:, 6], atol=0.1)


@pytest.mark.parametrize("lead", LIMB_LEADS)
def test_one_limb_lead_gives_six_that_agree(model, lead):
    values, place = ecg(), STANDARD_LEADS.index(lead)
    leads = model(values, lead_mask=mask_of(2, lead)).reconstruction
    assert torch.equal(leads[:, place], values[:, place])
    six = derive_limb_leads(leads[:, :2].detach().numpy(), ["I", "II"])[0]
    np.testing.assert_allclose(leads[:, :6].detach(), six, atol=2e-6)


def test_leads_that_are_there_come_out_as_they_went_in(model):
    values = ecg()
    values[:, 2] += 0.5  # a limb lead that contradicts the others is not put right
    mask = mask_of(2, "I", "II", "III", "V2", "V6")
    leads = model(values, lead_mask=mask).reconstruction
    assert torch.equal(leads[mask], values[mask])


def test_the_answer_depends_on_the_information_not_on_which_limb_leads_carry_it(model):
    values = ecg()
    first, second = (
        model(values, lead_mask=mask_of(2, *pair)).reconstruction for pair in (("I", "II"), ("III", "aVR"))
    )
    torch.testing.assert_close(first, second, atol=1e-4, rtol=1e-4)


def test_what_is_not_shown_is_not_seen(model):
    values, shown = ecg(), mask_of(2, "II", "V1")
    other = values.clone()
    other[~shown] = 7.0
    found, again = (model(one, shown_leads=shown).reconstruction for one in (values, other))
    assert torch.equal(found, again)


def test_the_loss_is_the_mean_over_records_of_their_unknown_leads(model):
    values = ecg(3)
    shown, there = mask_of(3, "I", "II", "V2").clone(), torch.ones(3, 12, dtype=torch.bool)
    shown[2], there[1, 8] = mask_of(1, "aVF")[0], False  # another set, and a record without V3
    samples = torch.ones(3, 120, dtype=torch.bool)
    samples[0, :20] = False
    outputs = model(values, lead_mask=there, sample_mask=samples, shown_leads=shown)
    wanted = []
    for row in range(3):
        unknown = [6, 8, 9, 10, 11] if row < 2 else [0, 1, 2, 3, 4, *range(6, 12)]
        errors = []
        for lead in [lead for lead in unknown if there[row, lead]]:
            off = outputs.reconstruction[row, lead] - values[row, lead]
            errors.append(off[samples[row]].square().mean().item())
            assert outputs.lead_errors[row, lead].item() == pytest.approx(errors[-1], rel=1e-4)
        wanted.append(np.mean(errors))
        assert int((outputs.lead_errors[row] > 0).sum()) == len(errors)
    assert outputs.loss.item() == pytest.approx(np.mean(wanted), rel=1e-5)


@pytest.mark.parametrize("before", [0, 5])
def test_a_padded_record_is_reconstructed_in_its_place(model, before):
    values = ecg(2, 40)
    longer, samples = torch.full((2, 12, 64), 9.0), torch.zeros(2, 64, dtype=torch.bool)
    longer[:, :, before : before + 40], samples[:, before : before + 40] = values, True
    mask = mask_of(2, "I", "V4")
    found = model(longer, lead_mask=mask, sample_mask=samples).reconstruction
    torch.testing.assert_close(
        found[:, :, before : before + 40], model(values, lead_mask=mask).reconstruction, atol=1e-6, rtol=1e-5
    )
    assert not found[:, :, before + 40 :].any() and not found[:, :, :before].any()


SETS = [("I",), ("aVF",), ("I", "II"), ("I", "II", "V2"), ("III", "aVL", "V1", "V5"), ("V3",), ()]


def test_least_squares_is_that_of_the_samples():
    """Against a regression of each set by `numpy.linalg.lstsq`."""
    values = ecg(4, 300, seed=1).double()
    eight = values[:, [0, 1, *range(6, 12)]]
    network = ECGUNetForLeadReconstruction(unet_config()).eval()
    network.set_lead_moments(torch.einsum("ris,rjs->ij", eight, eight) / 1200)
    flat = values.permute(1, 0, 2).flatten(1).numpy()
    for names in SETS:
        used = [STANDARD_LEADS.index(lead) for lead in names]
        found = least_squares_weights(network.lead_moments, mask_of(1, *names))[0].numpy()
        wanted = np.linalg.lstsq(flat[used].T, flat.T, rcond=None)[0].T if used else np.zeros((12, 0))
        others = [lead for lead in range(12) if lead not in used]
        np.testing.assert_allclose(found[np.ix_(others, used)], wanted[others], atol=2e-3)
        assert not found[np.ix_(others, others)].any() or not used


def test_an_untrained_network_begins_at_least_squares():
    values = ecg(4, 300, seed=1)
    eight = values[:, [0, 1, *range(6, 12)]].double()
    network = ECGUNetForLeadReconstruction(unet_config()).eval()
    network.set_lead_moments(torch.einsum("ris,rjs->ij", eight, eight) / 1200)
    shown = mask_of(4, "I", "II")
    weights = np.linalg.lstsq(values[:, :2].mT.flatten(0, 1), values[:, 6:].mT.flatten(0, 1), rcond=None)[0]
    wanted = np.einsum("lc,rls->rcs", weights, values[:, :2])
    found = network(values, shown_leads=shown).reconstruction[:, 6:].detach()
    np.testing.assert_allclose(found, wanted, atol=0.02)
    plain = ECGUNetForLeadReconstruction(unet_config(least_squares=False)).eval()
    assert plain(values, shown_leads=shown).reconstruction[:, 6:].abs().max() < 0.1


@pytest.mark.parametrize(
    "moments", [torch.eye(12), torch.zeros(8, 8), torch.full((8, 8), torch.nan)], ids=["shape", "singular", "NaN"]
)
def test_moments_that_no_leads_have_are_refused(moments):
    with pytest.raises(ValueError, match="positive definite"):
        ECGUNetForLeadReconstruction(unet_config()).set_lead_moments(moments)


def test_the_encoder_is_part_of_the_saved_network(model, tmp_path):
    model.save_pretrained(tmp_path)
    values, mask = ecg(), mask_of(2, "I")
    encoder = ECGUNetModel.from_pretrained(tmp_path).eval()
    whole = AutoModelForPreTraining.from_pretrained(tmp_path).eval()
    wanted = model(values, lead_mask=mask)
    assert torch.equal(encoder(values, lead_mask=mask).pooler_output, wanted.ecg_model_output.pooler_output)
    assert torch.equal(whole(values, lead_mask=mask).reconstruction, wanted.reconstruction)
    levels = encoder(values, return_levels=True).level_states
    assert [level.shape[1] for level in levels] == [120, 60, 30] and wanted.loss is None


@pytest.mark.parametrize(
    "options, message",
    [
        ({"num_leads": 8}, "num_leads is 8, wanted 12"),
        ({"widths": [8]}, "widths are"),
        ({"kernel_size": 4}, "kernel_size is 4"),
        ({"convolutions_per_level": 0}, "convolutions_per_level is 0"),
        ({"hidden_size": 5}, "hidden_size is 5"),
    ],
)
def test_impossible_configurations_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ECGUNetConfig(**options)
