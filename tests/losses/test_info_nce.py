"""InfoNCE of two views against the double loop and the golden cases."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from hf_ecg.losses import info_nce_loss
from tests.losses import view_reference as reference
from tests.losses.golden import golden_case


@pytest.mark.parametrize("negatives", ["sum", "mean"])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_equals_the_double_loop_over_pairs(negatives, temperature):
    raw = reference.features()
    ours = reference.value_and_gradient(lambda a, b: info_nce_loss(a, b, temperature, negatives=negatives), raw)
    wanted = reference.value_and_gradient(
        lambda a, b: reference.info_nce(torch.cat([a, b]), temperature, negatives), raw
    )
    reference.assert_equal(ours, wanted, 1e-9)


@pytest.mark.parametrize("negatives", ["sum", "mean"])
def test_other_records_of_a_patient_are_neither_positive_nor_negative(negatives):
    raw, patients = reference.features(), [3, 5, 3, 7, 3]
    others = [sum(one != other for other in patients) for one in patients]

    def weight(i, j):
        return 0.0 if patients[i] == patients[j] else 1.0 if negatives == "sum" else 1 / (2 * others[i])

    options = {"negatives": negatives, "patient_ids": torch.tensor(patients)}
    ours = reference.value_and_gradient(lambda a, b: info_nce_loss(a, b, 0.1, **options), raw)
    wanted = reference.value_and_gradient(lambda a, b: reference.contrast(torch.cat([a, b]), 0.1, weight), raw)
    reference.assert_equal(ours, wanted, 1e-9)
    apart = info_nce_loss(*raw.detach().chunk(2), 0.1, negatives=negatives, patient_ids=torch.arange(5))
    torch.testing.assert_close(apart, info_nce_loss(*raw.detach().chunk(2), 0.1, negatives=negatives))


@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_golden_nt_xent(golden_dir, temperature):
    inputs, expected = golden_case(golden_dir, "ssl-losses")
    first, second = inputs["z1"].requires_grad_(), inputs["z2"]
    loss = info_nce_loss(F.normalize(first, dim=-1), F.normalize(second, dim=-1), temperature)
    np.testing.assert_allclose(loss.item(), expected[f"ntxent_t{temperature}"], rtol=1e-6)
    gradient, wanted = torch.autograd.grad(loss, first)[0], expected[f"ntxent_t{temperature}_grad0"]
    np.testing.assert_allclose(gradient, wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


def test_learnable_temperature_gets_its_gradient():
    raw, log_scale = reference.features(), torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    views = F.normalize(raw.detach(), dim=-1)
    info_nce_loss(*views.chunk(2), torch.exp(-log_scale)).backward()
    step = 1e-6
    low, high = (info_nce_loss(*views.chunk(2), torch.exp(-log_scale.detach() - d)) for d in (-step, step))
    assert log_scale.grad.item() == pytest.approx(((high - low) / (2 * step)).item(), rel=1e-6)


@pytest.mark.parametrize("negatives", ["sum", "mean"])
def test_bfloat16_and_autocast_compute_in_float32(negatives):
    first, second = F.normalize(reference.features(dtype=torch.float32).detach(), dim=-1).bfloat16().chunk(2)
    wanted = reference.info_nce(torch.cat([first, second]).double(), 0.07, negatives)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = info_nce_loss(first, second, negatives=negatives)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half.double(), wanted, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"first_embeds": torch.zeros(1, 6), "second_embeds": torch.zeros(1, 6)}, "one record has no negatives"),
        ({"first_embeds": torch.zeros(0, 6), "second_embeds": torch.zeros(0, 6)}, "no rows"),
        ({"second_embeds": torch.zeros(4, 7)}, r"\(4, 6\).*\(4, 7\)"),
        ({"first_embeds": torch.zeros(4, 6, 1)}, r"first_embeds.*\(4, 6, 1\)"),
        ({"second_embeds": torch.zeros(4, 6, dtype=torch.long)}, "second_embeds is torch.int64"),
        ({"temperature": 0.0}, "temperature is 0.0"),
        ({"negatives": "max"}, "negatives is 'max'"),
        ({"patient_ids": torch.zeros(3, dtype=torch.long)}, r"patient_ids is torch.int64 of shape \(3,\)"),
        ({"gather": lambda rows: rows[:2]}, "gather returned 2 rows"),
    ],
)
def test_refuses_what_does_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        info_nce_loss(**({"first_embeds": torch.zeros(4, 6), "second_embeds": torch.zeros(4, 6)} | arguments))
