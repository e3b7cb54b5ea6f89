"""A derived lead is present only as long as both leads that it was made of are."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pytest

from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.signals.leads import LIMB_LEADS, STANDARD_LEADS, derive_limb_leads

MASK, GATE, FILL = {"name": "mask_flat_leads"}, {"name": "quality_gate"}, {"name": "fill_missing"}
SELECT = {"name": "select_leads"}
PAIRS = list(combinations(LIMB_LEADS, 2))


@pytest.fixture(scope="module")
def twelve():
    """Ten seconds at 100 Hz that agree with Einthoven."""
    time = np.arange(1000) / 100
    phase = np.mod(time, 0.8) - 0.4
    beat = np.exp(-((phase / 0.03) ** 2)) + 0.3 * np.exp(-(((phase - 0.22) / 0.05) ** 2))
    noise = np.random.default_rng(0).normal(0, 0.01, (8, 1000))
    independent = noise + np.array([0.6, 1.0, -0.4, 0.5, 0.8, 1.2, 1.0, 0.7])[:, None] * beat
    signals, leads = derive_limb_leads(independent, ["I", "II", "V1", "V2", "V3", "V4", "V5", "V6"])
    return signals[[leads.index(lead) for lead in STANDARD_LEADS]]


def chosen(twelve, leads, dead=()):
    signals = twelve[[STANDARD_LEADS.index(lead) for lead in leads]].copy()
    signals[[list(leads).index(lead) for lead in dead]] = 0.0
    return signals


def present(made, signals, leads, **options):
    batch = made(signals, 100, list(leads), "mV", **options)
    return [lead for lead, there in zip(made.leads, batch["lead_mask"][0], strict=True) if there]


def recipe(*steps, leads=STANDARD_LEADS):
    return ECGFeatureExtractor(100, leads, 1000, [*steps])


@pytest.mark.parametrize("step", [MASK, GATE], ids=["mask_flat_leads", "quality_gate"])
@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_of_two_limb_leads_a_dead_one_takes_all_derived_ones_with_it(twelve, pair, step):
    made = recipe(step, FILL)
    assert present(made, chosen(twelve, pair), pair) == list(LIMB_LEADS)
    for dead, left in (pair, pair[::-1]):
        assert present(made, chosen(twelve, pair, [dead]), pair) == [left]


@pytest.mark.parametrize("step", [MASK, GATE], ids=["mask_flat_leads", "quality_gate"])
def test_parents_that_the_model_is_not_given_are_judged_all_the_same(twelve, step):
    made = recipe(step, FILL, leads=["III", "aVF", "V1"])
    given = ("I", "II", "V1")
    assert present(made, chosen(twelve, given), given) == ["III", "aVF", "V1"]
    assert present(made, chosen(twelve, given, ["I"]), given) == ["V1"]
    one = recipe(SELECT, {"name": "resample"}, step, leads=["III"])
    assert present(one, chosen(twelve, ("I", "II")), ("I", "II")) == ["III"]
    with pytest.raises(ValueError, match="record 0: step .*no lead is left: III would be derived"):
        present(one, chosen(twelve, ("I", "II"), ["II"]), ("I", "II"))
    pick = recipe({"name": "pick_lead"}, step)
    with pytest.raises(ValueError, match="no lead is left: aVR would be derived"):
        present(pick, chosen(twelve, ("I", "II"), ["I"]), ("I", "II"), lead="aVR")


def test_the_gate_refuses_a_derived_lead_that_fails_though_a_parent_passes(twelve):
    signals = chosen(twelve, ("I", "II"))
    signals[0] = np.random.default_rng(0).normal(0, 3, signals.shape[1])
    made = recipe({"name": "pick_lead"}, GATE)
    with pytest.raises(ValueError, match="step quality_gate: no lead is left of III"):
        present(made, signals, ("I", "II"), lead="III")


@pytest.mark.parametrize("step", [MASK, GATE], ids=["mask_flat_leads", "quality_gate"])
def test_keep_leads_only_chooses(twelve, step):
    made = recipe(SELECT, {"name": "keep_leads", "leads": ["aVL", "V1"]}, step, FILL)
    given = ("I", "II", "V1")
    assert present(made, chosen(twelve, given), given) == ["aVL", "V1"]
    assert present(made, chosen(twelve, given, ["I"]), given) == ["V1"]
    made = recipe(SELECT, {"name": "keep_leads", "leads": ["III"]}, step, leads=["I", "III", "V1"])
    assert present(made, chosen(twelve, given), given) == ["III"]


def test_of_three_limb_leads_those_two_are_taken_that_are_recordings(twelve):
    given = ("I", "II", "III")
    for dead in given:
        others = [lead for lead in LIMB_LEADS if lead != dead]
        batch = recipe(MASK)(chosen(twelve, given, [dead]), 100, list(given), "mV")
        assert [lead for lead, there in zip(STANDARD_LEADS, batch["lead_mask"][0], strict=True) if there] == others
        places = [STANDARD_LEADS.index(lead) for lead in others]
        np.testing.assert_allclose(batch["input_values"][0, places], twelve[places], atol=1e-6)
    assert present(recipe(MASK), chosen(twelve, given, ["I", "II"]), given) == ["III"]


def test_each_record_of_a_batch_has_parents_of_its_own(twelve):
    given = ("I", "II", "III")
    records = [chosen(twelve, given, dead) for dead in ((), ("I",), ("I", "III"), ("II",))]
    made = ECGFeatureExtractor(
        100, STANDARD_LEADS, 400, [{"name": "multi_crop", "count": 3}, MASK, {"name": "normalise", "method": "zscore"}]
    )
    together = made(records, 100, list(given), "mV")
    for row, record in enumerate(records):
        alone = made(record, 100, list(given), "mV")
        for name in ("input_values", "lead_mask"):
            np.testing.assert_array_equal(together[name][3 * row : 3 * row + 3], alone[name])


def test_a_derived_lead_is_missing_where_a_parent_is(twelve):
    for pair in PAIRS:
        signals = chosen(twelve, pair)
        signals[1, 100:130] = np.nan
        made = ECGFeatureExtractor(100, [lead for lead in LIMB_LEADS if lead not in pair], 1000, [])
        with pytest.raises(ValueError, match="30 samples that are not finite"):
            made(signals, 100, list(pair), "mV")
        # by a crop within the gap nothing of them is left
        cropped = ECGFeatureExtractor(
            100, LIMB_LEADS, 1000, [{"name": "crop", "num_samples": 20}, FILL, {"name": "pad"}]
        )
        signals[1, :30] = np.nan
        assert present(cropped, signals, pair, window="recipe") == [pair[0]]


def test_steps_of_other_packages_that_mask_leads_are_followed(twelve):
    from hf_ecg.processing import Step, register_step

    @register_step("toy_mask_first_lead")
    @dataclass(frozen=True)
    class MaskFirstLead(Step):
        def apply(self, batch):
            batch.lead_mask = batch.lead_mask & (np.arange(len(batch.leads)) != batch.leads.index("I"))

    made = recipe({"name": "toy_mask_first_lead"})
    given = ("I", "aVF", "V1")
    assert present(made, chosen(twelve, given), given) == ["aVF", "V1"]


def test_flat_leads_are_not_judged_behind_views():
    with pytest.raises(ValueError, match="mask_flat_leads behind views"):
        recipe({"name": "views"}, MASK)
