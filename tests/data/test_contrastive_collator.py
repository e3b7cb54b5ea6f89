"""Two views of a record: which leads they show, that views come before the normalisation, and whose the risk is."""

import math

import numpy as np
import pytest
import torch

from hf_ecg.data.collators import ECGClassificationCollator, ECGContrastiveCollator
from hf_ecg.data.rows import SIGNAL_COLUMNS, RowDataset
from hf_ecg.processing import ECGFeatureExtractor
from tests.data import made_rows

NORMALISE = {"name": "normalise", "method": "zscore"}
NOISE = [{"name": "gaussian_noise", "rms": 0.5}]


def extractor(single=True, leads=made_rows.LEADS, steps=(NORMALISE,)):
    first = {"name": "pick_lead" if single else "select_leads"}
    return ECGFeatureExtractor(sampling_rate=100, leads=leads, num_samples=200, steps=[first, *steps])


@pytest.fixture(scope="module")
def dataset():
    made = made_rows.dataset(24)
    risks = [None if row % 5 == 0 else row / 100 for row in range(24)]
    return made.add_column("risk", risks).add_column("rate", [row / 24 for row in range(24)])


@pytest.fixture(scope="module")
def rows(dataset):
    return RowDataset(dataset, [*SIGNAL_COLUMNS, "risk", "rate", "rhythm"])


def fetch(rows, indices, epoch=0):
    return rows.__getitems__([(epoch, index) for index in indices])


def test_a_batch_of_two_views_and_risks(rows):
    collator = ECGContrastiveCollator(extractor(), risk_column="risk", missing_rate_column="rate")
    batch = collator(fetch(rows, [0, 3, 7]))
    names = ["input_values", "lead_mask", "sample_mask"]
    assert set(batch) == {*names, *(f"second_{name}" for name in names), "risk", "missing_rate", "return_loss"}
    assert batch["input_values"].shape == batch["second_input_values"].shape == (3, 1, 200)
    assert math.isnan(batch["risk"][0]) and batch["risk"][1:].tolist() == pytest.approx([0.03, 0.07])
    assert batch["missing_rate"].tolist() == pytest.approx([0, 3 / 24, 7 / 24])


def test_metadata_are_numbers_and_sexes(dataset):
    sexes = [("male", "female", None)[row % 3] for row in range(24)]
    rows = RowDataset(dataset.add_column("sex", sexes), [*SIGNAL_COLUMNS, "risk", "sex"])
    collator = ECGContrastiveCollator(extractor(), metadata_columns=["sex", "risk"])
    assert collator.own_columns == ["sex", "risk"]
    metadata = collator(fetch(rows, [0, 1, 2]))["metadata"]
    assert metadata[:2, 0].tolist() == [1, 0] and metadata[1:, 1].tolist() == pytest.approx([0.01, 0.02])
    assert metadata[2, 0].isnan() and metadata[0, 1].isnan()
    odd = [dict(row, sex="unknown") for row in fetch(rows, [0])]
    with pytest.raises(ValueError, match="sex is 'unknown', wanted one of"):
        collator(odd)


def test_leads_are_drawn_evenly_and_the_second_is_mostly_the_first(rows):
    collator = ECGContrastiveCollator(extractor())
    whole = extractor(single=False)(fetch(rows, range(24)))["input_values"]
    chosen = []
    for epoch in range(60):
        batch = collator(fetch(rows, range(24), epoch))
        for name in ("input_values", "second_input_values"):
            same = np.isclose(whole, batch[name].numpy(), atol=1e-5).all(-1)
            assert (same.sum(1) == 1).all()
            chosen.append(same.argmax(1))
    first, second = np.array(chosen[::2]).ravel(), np.array(chosen[1::2]).ravel()
    assert np.bincount(first, minlength=12) / len(first) == pytest.approx(1 / 12, abs=0.03)
    # equal by choice in 0.8 of the cases, and by chance in one of twelve others
    assert (first == second).mean() == pytest.approx(0.8 + 0.2 / 12, abs=0.04)


def test_absent_leads_are_not_drawn(rows):
    some = [dict(row) for row in fetch(rows, range(8))]
    for row in some:
        row["leads"] = ["V2", "V5"]
        row["signal"], row["gain"], row["baseline"] = row["signal"][:400], [1000.0] * 2, [0, 0]
    batch = ECGContrastiveCollator(extractor())(some)
    assert batch["lead_mask"].all() and batch["second_lead_mask"].all()
    assert (batch["input_values"].std(-1) > 0.9).all()


def test_an_extractor_of_lead_one_makes_views_of_lead_one(rows):
    collator = ECGContrastiveCollator(extractor(leads=["I"]), same_lead_probability=0.0)
    batch = collator(fetch(rows, range(4)))
    expected = extractor(leads=["I"])(fetch(rows, range(4)), lead="I")["input_values"]
    for name in ("input_values", "second_input_values"):
        np.testing.assert_allclose(batch[name].numpy(), expected, atol=1e-5)


def test_views_differ_between_the_two_and_repeat(rows):
    collator = ECGContrastiveCollator(extractor(single=False), NOISE)
    batch, again = collator(fetch(rows, range(4))), collator(fetch(rows, range(4)))
    assert torch.equal(batch["input_values"], again["input_values"])
    assert torch.equal(batch["second_input_values"], again["second_input_values"])
    assert not torch.isclose(batch["input_values"], batch["second_input_values"]).all(-1).any()
    alone = collator(fetch(rows, [2]))
    torch.testing.assert_close(alone["second_input_values"][0], batch["second_input_values"][2])


@pytest.mark.parametrize("kind", ["contrastive", "classification"])
def test_views_act_where_the_steps_say_so(rows, kind):
    def make(steps, views):
        own = extractor(single=False, steps=steps)
        if kind == "contrastive":
            return ECGContrastiveCollator(own, views)
        return ECGClassificationCollator(own, ["rhythm"], {"rhythm": made_rows.CLASSES["rhythm"]}, views)

    some = fetch(rows, range(6))
    before = ({"name": "views"}, NORMALISE)
    # without views nothing changes
    torch.testing.assert_close(make(before, [])(some)["input_values"], make((NORMALISE,), [])(some)["input_values"])
    noisy = make(before, NOISE)(some)["input_values"]
    assert noisy.mean(-1).abs().max() < 1e-5 and (noisy.std(-1, correction=0) - 1).abs().max() < 1e-4
    # the same noise as on the millivolts, whose standard deviation is some 0.6
    raw = make((), NOISE)(some)["input_values"]
    scaled = (raw - raw.mean(-1, keepdim=True)) / raw.std(-1, correction=0, keepdim=True)
    torch.testing.assert_close(noisy, scaled, atol=1e-4, rtol=1e-4)
    after = make((NORMALISE,), NOISE)(some)["input_values"]
    assert (after.std(-1, correction=0) - 1).abs().max() > 0.05


def test_one_lead_of_a_twelve_lead_corpus_for_a_classifier(rows):
    names = {"rhythm": made_rows.CLASSES["rhythm"]}
    collator = ECGClassificationCollator(extractor(), ["rhythm"], names, lead="V5")
    batch = collator(fetch(rows, range(5)))
    expected = extractor()(fetch(rows, range(5)), lead="V5")["input_values"]
    np.testing.assert_array_equal(batch["input_values"].numpy(), expected)
    with pytest.raises(ValueError, match="say which by lead"):
        ECGClassificationCollator(extractor(), ["rhythm"], names)(fetch(rows, range(5)))


@pytest.mark.parametrize(
    ("own", "options", "message"),
    [
        (extractor(single=False), {"same_lead_probability": 0.8}, "no pick_lead"),
        (extractor(), {"same_lead_probability": 1.5}, "is 1.5, wanted a probability"),
        (extractor(), {"missing_rate_column": "rate"}, "there is no risk_column"),
    ],
)
def test_what_contradicts_itself_is_refused(own, options, message):
    with pytest.raises(ValueError, match=message):
        ECGContrastiveCollator(own, **options)


def test_a_risk_that_is_no_number_is_refused(rows):
    some = [dict(row) | {"risk": "high"} for row in fetch(rows, [1])]
    with pytest.raises(ValueError, match="record r1: risk is 'high'"):
        ECGContrastiveCollator(extractor(), risk_column="risk")(some)
