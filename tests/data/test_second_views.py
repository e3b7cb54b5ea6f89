"""What the second of two views is of: the record's other half, or another record of its patient."""

import numpy as np
import pytest
import torch

from hf_ecg.data.collators import ECGContrastiveCollator
from hf_ecg.data.collators.second_views import PatientRecords, halves, patient_numbers
from hf_ecg.data.mixing import MixedRows
from hf_ecg.data.rows import SIGNAL_COLUMNS
from hf_ecg.processing import ECGFeatureExtractor
from tests.data import made_rows

# two of the second patient, three of the fourth
PATIENTS = ["a", "b", "b", "c", "d", "d", "d", None, None]
LEADS = made_rows.LEADS


def extractor(num_samples=None, leads=("I",)):
    steps = [{"name": "pick_lead"}, {"name": "views"}]
    return ECGFeatureExtractor(sampling_rate=100, leads=list(leads), num_samples=num_samples, steps=steps)


@pytest.fixture(scope="module")
def dataset():
    return made_rows.dataset(len(PATIENTS)).add_column("patient_id", PATIENTS)


def fetch(dataset, indices, epoch=0, columns=(*SIGNAL_COLUMNS, "patient_id")):
    return MixedRows([dataset], columns).__getitems__([(epoch, index) for index in indices])


def test_halves_of_a_record_do_not_overlap(dataset):
    rows = fetch(dataset, range(4))
    whole = extractor()(rows)["input_values"]
    batch = ECGContrastiveCollator(extractor(), second_view="half")(rows)
    np.testing.assert_array_equal(batch["input_values"], whole[..., :100])
    np.testing.assert_array_equal(batch["second_input_values"], whole[..., 100:])


def test_halves_are_of_what_was_recorded():
    values = torch.arange(20.0).reshape(2, 1, 10)
    mask = torch.ones(2, 10, dtype=torch.bool)
    mask[1, :1], mask[1, 6:] = False, False  # recorded are the samples 1 to 5
    first, second = halves({"input_values": values, "sample_mask": mask, "lead_mask": mask[:, :1]})
    assert first["input_values"][:, 0].tolist() == [[0, 1, 2, 3, 4], [11, 12, 0, 0, 0]]
    assert second["input_values"][:, 0].tolist() == [[5, 6, 7, 8, 9], [13, 14, 15, 0, 0]]
    assert first["sample_mask"].sum(1).tolist() == [5, 2] and second["sample_mask"].sum(1).tolist() == [5, 3]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ({"input_values": torch.zeros(1, 1, 1), "sample_mask": torch.ones(1, 1).bool()}, "at least two samples"),
        (
            {"input_values": torch.zeros(1, 1, 4), "sample_mask": torch.ones(1, 4).bool(), "beats": torch.zeros(1)},
            r"also makes \['beats'\]",
        ),
    ],
)
def test_what_has_no_halves_is_refused(batch, message):
    with pytest.raises(ValueError, match=message):
        halves(batch)


def test_the_second_view_is_of_another_record_of_the_patient(dataset):
    records = PatientRecords([dataset])
    assert len(records) == 5
    collator = ECGContrastiveCollator(extractor(), second_view="patient", patient_records=records)
    whole = extractor()(fetch(dataset, range(len(PATIENTS))))["input_values"]
    met = set()
    for epoch in range(12):
        batch = collator(fetch(dataset, range(len(PATIENTS)), epoch))
        np.testing.assert_array_equal(batch["input_values"], whole)
        for row, values in enumerate(batch["second_input_values"].numpy()):
            met.add((row, int((whole == values).all((1, 2)).argmax())))
    alone = {(0, 0), (3, 3), (7, 7), (8, 8)}  # without another record the record itself, without a patient too
    assert met == alone | {(1, 2), (2, 1), (4, 5), (4, 6), (5, 4), (5, 6), (6, 4), (6, 5)}
    again = collator(fetch(dataset, [4], 11))["second_input_values"]
    torch.testing.assert_close(again, batch["second_input_values"][4:5], rtol=0, atol=0)


def test_every_lead_is_a_view(dataset):
    rows = fetch(dataset, range(3))
    whole = extractor(leads=LEADS)
    each = np.stack([whole(rows, lead=lead)["input_values"] for lead in LEADS], axis=1)
    batch = ECGContrastiveCollator(whole, second_view="leads")(rows)
    np.testing.assert_array_equal(batch["input_values"], each[:, 0])
    np.testing.assert_array_equal(batch["second_input_values"], each[:, 1:])
    assert batch["second_lead_mask"].shape == (3, len(LEADS) - 1, 1) and batch["second_lead_mask"].all()
    both = ECGContrastiveCollator(whole, second_view="half_leads")(rows)
    found = np.concatenate([both["input_values"][:, None], both["second_input_values"]], axis=1)
    np.testing.assert_array_equal(found, np.concatenate([each[..., :100], each[..., 100:]], axis=1))


def test_every_lead_has_a_view_of_its_own_that_repeats(dataset):
    views = [{"name": "gaussian_noise", "rms": 0.1}]
    collator = ECGContrastiveCollator(extractor(leads=LEADS), views=views, second_view="leads")
    still = ECGContrastiveCollator(extractor(leads=LEADS), second_view="leads")
    noise = []
    for rows in (range(3), [2, 0]):
        moved, plain = (one(fetch(dataset, rows))["second_input_values"] for one in (collator, still))
        noise.append(moved - plain)
    assert not torch.allclose(noise[0][:, 0], noise[0][:, 1])
    torch.testing.assert_close(noise[1], noise[0][[2, 0]])


def test_a_record_without_a_lead_cannot_be_compared_by_leads(dataset):
    row = dict(fetch(dataset, [1])[0])
    row["leads"], row["signal"], row["gain"], row["baseline"] = ["V1"], row["signal"][:200], [1000.0], [0]
    collator = ECGContrastiveCollator(extractor(leads=LEADS), second_view="leads")
    with pytest.raises(ValueError, match="record r1 lacks a lead, second_view 'leads' compares all"):
        collator([row])


def test_patients_have_numbers_by_corpus(dataset):
    rows = MixedRows([dataset, dataset], [*SIGNAL_COLUMNS, "patient_id"])
    numbers = patient_numbers(rows.__getitems__([(0, index) for index in range(len(rows))]))
    assert numbers.dtype == torch.int64
    assert len(set(numbers.tolist())) == 2 * 6  # a, b, c, d and two unknown ones of each corpus
    assert numbers[4] == numbers[5] == numbers[6] != numbers[4 + len(PATIENTS)]
    batch = ECGContrastiveCollator(extractor(), patient_ids=True)(fetch(dataset, range(3)))
    torch.testing.assert_close(batch["patient_ids"], numbers[:3])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"second_view": "quarter"}, "second_view is 'quarter', wanted one of record, half, patient"),
        ({"second_view": "patient"}, "patient_records are given for 'patient'"),
        ({"second_view": "leads", "same_lead_probability": 0.5}, "takes no same_lead_probability"),
    ],
)
def test_impossible_second_views_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        ECGContrastiveCollator(extractor(), **options)


def test_records_of_a_patient_without_a_common_lead_are_refused(dataset):
    rows = [dict(row) for row in fetch(dataset, [1, 2])]
    for row, lead in zip(rows, ("V1", "V2"), strict=True):
        row["leads"], row["signal"], row["gain"], row["baseline"] = [lead], row["signal"][:200], [1000.0], [0]

    class OtherRecords:
        def another(self, row, generator):
            return rows[1] if row is rows[0] else rows[0]

    collator = ECGContrastiveCollator(extractor(leads=LEADS), second_view="patient", patient_records=OtherRecords())
    with pytest.raises(ValueError, match="record r1 shares no lead"):
        collator(rows)
