"""What a condition does to a recording, and what of it reaches a model."""

import numpy as np
import pytest

from hf_ecg.evaluation.robustness.conditions import (
    ALL,
    LEAD_SETS,
    MASKED,
    Condition,
    NoiseOptions,
    grid,
    tolerantecg_table,
)
from hf_ecg.evaluation.robustness.disturbed_rows import DisturbedRows
from tests.evaluation import tiny

OPTIONS = NoiseOptions(kinds=("bw", "ma"), snrs_db=(6.0, -6.0))


@pytest.fixture(scope="module")
def dataset():
    return tiny.dataset(12)


def batch(dataset, condition):
    (made,) = DisturbedRows(tiny.feature_extractor(), dataset, condition)
    return made["input_values"].numpy(), made["lead_mask"].numpy()


def test_the_tables_hold_every_pair_once():
    assert [one.name for one in grid(OPTIONS)][:2] == ["12, clean", "8, clean"]
    names = [(one.leads, one.noise_name) for one in grid(OPTIONS)]
    assert len(set(names)) == len(names) == 6 * 5
    assert [one.name for one in tolerantecg_table(NoiseOptions(snrs_db=(0.0,)))] == [
        "all leads, clean",
        "masked leads, clean",
        "all leads, mixture 0 dB",
        "masked leads, mixture 0 dB",
    ]


@pytest.mark.parametrize("leads", LEAD_SETS)
def test_removed_leads_are_absent_and_limb_leads_derived(dataset, leads):
    whole, _ = batch(dataset, Condition("12"))
    values, mask = batch(dataset, Condition(leads))
    limb = {"12": 6, "8": 6, "6 limb": 6, "I+II+V2": 6, "II": 1, "I": 1}[leads]
    assert mask[:, :6].sum(axis=1).tolist() == [limb] * 12
    present = [lead in LEAD_SETS[leads] for lead in tiny.LEADS]
    np.testing.assert_allclose(values[:, present], whole[:, present])
    assert not values[~mask].any()
    assert mask[:, 6:].sum() == 12 * sum(present[6:])


def test_masked_leads_are_gone_though_they_could_be_derived(dataset):
    condition = Condition(MASKED, mask_rate=0.5, seed=1)
    values, mask = batch(dataset, condition)
    kept = [condition.kept(f"r{index}", tiny.LEADS) for index in range(12)]
    np.testing.assert_array_equal(mask, [[lead in one for lead in tiny.LEADS] for one in kept])
    assert not values[~mask].any() and mask.any(axis=1).all()
    assert 0.3 < mask.mean() < 0.7 and len({tuple(row) for row in mask}) > 6
    # all but one may go
    assert {len(Condition(MASKED, mask_rate=0.99).kept(str(index), tiny.LEADS)) for index in range(20)} == {1}


def test_a_noisy_lead_is_the_same_in_every_set(dataset):
    noise = OPTIONS.of("ma", -6)
    whole, one = (batch(dataset, Condition(leads, noise))[0][:, 1] for leads in (ALL, "II"))
    np.testing.assert_array_equal(whole, one)
    assert np.abs(whole - batch(dataset, Condition("II"))[0][:, 1]).max() > 0.5


def test_what_a_record_lacks_is_told():
    with pytest.raises(ValueError, match="r has no V2, only I, II"):
        Condition("I+II+V2").kept("r", ["I", "II"])
    with pytest.raises(ValueError, match="leads is '7'"):
        Condition("7")
    with pytest.raises(ValueError, match="mask_rate is 1.0"):
        NoiseOptions(mask_rate=1.0)
    with pytest.raises(ValueError, match="kind is 'hum'"):
        NoiseOptions(kinds=("hum",))
