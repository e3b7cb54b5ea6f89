"""CLOCS' contrast of segments against the double loop, the released code and fairseq-signals."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import patient_contrastive_loss
from tests.losses import view_reference as reference
from tests.losses.golden import golden_case

PATIENTS = [3, 5, 3, 7, 3]


def loop(first, second, patients, temperature=0.1):
    logits = {(i, j): torch.dot(a, b) / temperature for i, a in enumerate(first) for j, b in enumerate(second)}
    total, pairs = 0.0, 0
    for i, one in enumerate(patients):
        for j, other in enumerate(patients):
            if one == other:
                row = sum(logits[i, k].exp() for k in range(len(patients)))
                column = sum(logits[k, j].exp() for k in range(len(patients)))
                total = total - torch.log(logits[i, j].exp() / row) - torch.log(logits[i, j].exp() / column)
                pairs += 1
    return total / (2 * pairs)


@pytest.mark.parametrize("patients", [None, PATIENTS])
@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_equals_the_double_loop_over_pairs(patients, temperature):
    raw, ids = reference.features(), None if patients is None else torch.tensor(patients)
    ours = reference.value_and_gradient(lambda a, b: patient_contrastive_loss(a, b, temperature, patient_ids=ids), raw)
    wanted = reference.value_and_gradient(lambda a, b: loop(a, b, patients or range(5), temperature), raw)
    reference.assert_equal(ours, wanted, 1e-9)


def test_golden_clocs_where_every_record_is_of_another_patient(golden_dir):
    inputs, expected = golden_case(golden_dir, "clocs-loss")
    views = inputs["latent"][:, :, :2].requires_grad_()
    loss = patient_contrastive_loss(*(F.normalize(view, dim=-1) for view in views.unbind(2)))
    # CLOCS adds the two directions and divides by their number
    np.testing.assert_allclose(loss.item(), expected["CMSC_unique_loss"], rtol=1e-5)
    gradient, wanted = torch.autograd.grad(loss, views)[0], expected["CMSC_unique_grad"]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-4, atol=1e-5 * np.abs(wanted).max())


def test_golden_value_of_fairseq_signals_with_patients_of_several_records(golden_dir):
    inputs, expected = golden_case(golden_dir, "ssl-losses")
    views = [F.normalize(inputs[name], dim=-1) for name in ("z1", "z2")]
    ids = torch.tensor([3, 5, 3, 7, 9, 5, 11, 3])
    loss = patient_contrastive_loss(*views, patient_ids=ids)
    np.testing.assert_allclose(loss.item(), expected["fairseq_cmsc"], rtol=1e-5)


def test_bfloat16_and_autocast_compute_in_float32():
    first, second = F.normalize(reference.features(dtype=torch.float32).detach(), dim=-1).bfloat16().chunk(2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = patient_contrastive_loss(first, second, patient_ids=torch.tensor(PATIENTS))
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), loop(first.double(), second.double(), PATIENTS), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first_embeds": torch.zeros(1, 6), "second_embeds": torch.zeros(1, 6)}, "one record has no negatives"),
        ({"second_embeds": torch.zeros(4, 7)}, r"\(4, 6\).*\(4, 7\)"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"patient_ids": torch.zeros(3, dtype=torch.long)}, r"shape \(3,\), wanted integers of shape \(4,\)"),
        ({"patient_ids": torch.zeros(4)}, "patient_ids is torch.float32"),
    ],
)
def test_refuses_what_does_not_fit(arguments, message):
    given = {"first_embeds": torch.zeros(4, 6), "second_embeds": torch.zeros(4, 6)} | arguments
    with pytest.raises(ValueError, match=message):
        patient_contrastive_loss(**given)
