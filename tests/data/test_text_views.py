"""Views of records without leads and with noise, in groups for momentum teachers, beside described texts."""

import pytest
import torch

from hf_ecg.clinical import described_report
from hf_ecg.data.collators import ECGTextCollator, ECGTextViewsCollator
from hf_ecg.data.lead_views import lead_subset
from hf_ecg.data.noise_views import electrode_noise
from hf_ecg.data.rows import RowDataset
from hf_ecg.data.view_base import Waveforms
from hf_ecg.data.views import apply_views, validate_views
from hf_ecg.signals import apply_filter
from tests.data import made_rows

FILTER = {"name": "bandpass", "low_hz": 0.5, "high_hz": 40.0, "order": 2, "form": "sos", "zero_phase": True}
NOISE = {"name": "electrode_noise", "kinds": ["baseline", "electrode"], "snr_db": [-10, 0], "per_lead": True}
FILTERED = {"name": "filtered", "filter": FILTER}
GROUPS = [
    {
        "name": "mask",
        "teacher_views": [{"count": 2, "views": [{"name": "lead_subset", "kept": [6, 12]}]}],
        "further_views": [{"count": 2, "views": [{"name": "lead_subset", "kept": [1, 6]}]}],
    },
    {
        "name": "noise",
        "teacher_views": [[FILTERED], []],
        "further_views": [[FILTERED, NOISE], [FILTERED, {**NOISE, "kind_probability": 0.7, "lead_probability": 0.5}]],
    },
]


@pytest.fixture(scope="module")
def dataset():
    rows = made_rows.dataset(12)
    return rows.add_column("age", [60.0, None] * 6).add_column("sex", ["male", "female", None] * 4)


@pytest.fixture(scope="module")
def processor():
    return made_rows.processor()


def rows_of(dataset, collator, indices, epoch=0):
    return RowDataset(dataset, collator.columns).__getitems__([(epoch, index) for index in indices])


def test_a_batch_holds_whole_records_and_the_views_of_each_group(dataset, processor):
    collator = ECGTextViewsCollator(processor, GROUPS, seed=3)
    batch = collator(rows_of(dataset, collator, [3, 0, 7]))
    plain = ECGTextCollator(processor)(rows_of(dataset, collator, [3, 0, 7]))
    assert all(torch.equal(batch[key], value) for key, value in plain.items() if key != "return_loss")
    views, leads = batch["view_input_values"], batch["view_lead_mask"]
    assert views.shape == (3, 2, 4, 12, 200) and batch["view_sample_mask"].shape == (3, 2, 4, 200)
    kept = leads.sum(-1)
    assert (kept[:, 0, :2] >= 6).all() and (kept[:, 0, 2:] <= 6).all() and (kept[:, 0] >= 1).all()
    assert (kept[:, 1] == 12).all() and not views[~leads].any()
    whole = batch["input_values"]
    assert torch.equal(views[:, 1, 1], whole)
    filtered = torch.from_numpy(apply_filter(whole.double().numpy(), 100, FILTER).copy()).float()
    torch.testing.assert_close(views[:, 1, 0], filtered, atol=1e-6, rtol=1e-5)
    # what is dropped is all that the views without leads change
    torch.testing.assert_close(views[:, 0], whole[:, None] * leads[:, 0, ..., None])
    noise = views[:, 1, 2] - filtered
    ratio = 10 * torch.log10(filtered.var(-1) / noise.square().mean(-1))
    assert (ratio > -10.2).all() and (ratio < 0.2).all() and ratio.std() > 1


def test_a_view_is_a_function_of_record_epoch_and_view_alone(dataset, processor):
    collator = ECGTextViewsCollator(processor, GROUPS, seed=3)

    def made(indices, epoch=0):
        return collator(rows_of(dataset, collator, indices, epoch))["view_input_values"]

    together, alone = made([3, 0, 7]), made([7])
    torch.testing.assert_close(alone[0], together[2])
    assert not torch.equal(made([7], epoch=1)[0, 0], alone[0, 0])
    for kind, one, other in ((0, 0, 1), (0, 2, 3), (1, 2, 3)):
        assert not torch.equal(together[:, kind, one], together[:, kind, other])


def test_any_number_of_leads_between_the_bounds_stays_and_any_of_them():
    data = Waveforms.of(torch.ones(3000, 12, 2))
    made = lead_subset(data, torch.Generator().manual_seed(0), kept=[2, 5])
    counts = made.lead_mask.sum(1).bincount(minlength=13) / 3000
    assert not counts[[0, 1, *range(6, 13)]].any()
    torch.testing.assert_close(counts[2:6], torch.full((4,), 0.25), atol=0.03, rtol=0)
    torch.testing.assert_close(made.lead_mask.float().mean(0), torch.full((12,), 3.5 / 12), atol=0.03, rtol=0)
    few = data.lead_mask.clone()
    few[:, 3:] = False
    kept = lead_subset(data._replace(lead_mask=few), torch.Generator().manual_seed(0), kept=[6, 12])
    assert torch.equal(kept.lead_mask, few)


def test_noise_is_in_some_leads_of_some_kinds_and_its_sum_has_the_size():
    data = Waveforms.of(torch.zeros(400, 4, 300))
    options = {"kinds": ["baseline", "motion"], "rms": 0.5, "sampling_rate": 100.0}
    made = electrode_noise(data, torch.Generator().manual_seed(0), lead_probability=0.25, **options).input_values
    there = made.any(-1)
    assert there.float().mean().item() == pytest.approx(0.25, abs=0.04)
    torch.testing.assert_close(
        made.square().mean(-1).sqrt()[there], torch.full((int(there.sum()),), 0.5), rtol=1e-3, atol=0
    )
    both = electrode_noise(data, torch.Generator().manual_seed(0), kind_probability=0.7, **options).input_values
    torch.testing.assert_close(both.square().mean(-1).sqrt(), torch.full((400, 4), 0.5), rtol=1e-3, atol=0)
    power = torch.fft.rfft(both).abs().square()
    hertz = torch.fft.rfftfreq(300, 0.01)
    low, high = (power[..., band].sum(-1) / power.sum(-1) > 0.2 for band in (hertz < 1, hertz > 5))
    # by 0.7 twice 0.49 have both, and those without any get one
    assert (low & high).all(1).float().mean().item() == pytest.approx(0.49, abs=0.08)
    assert (low | high).all()


def test_padding_does_not_ring_into_a_filtered_record_and_stays_zero():
    values = torch.randn(2, 3, 400, generator=torch.Generator().manual_seed(0)) + 5
    mask = torch.ones(2, 400, dtype=torch.bool)
    mask[0, 300:] = False
    values[0, :, 300:] = 0
    made = apply_views(values, [FILTERED], torch.Generator(), sample_mask=mask, sampling_rate=100.0).input_values
    alone = torch.from_numpy(apply_filter(values[:1, :, :300].double().numpy(), 100, FILTER).copy()).float()
    torch.testing.assert_close(made[:1, :, :300], alone)
    assert not made[0, :, 300:].any()


@pytest.mark.parametrize(
    ("view", "message"),
    [
        ({"name": "lead_subset", "kept": [0, 3]}, r"kept is \[0, 3\], wanted \[fewest, most\] leads"),
        ({"name": "lead_subset", "kept": 3}, "kept is 3"),
        ({"name": "lead_subset"}, "kept is not given"),
        ({"name": "filtered", "filter": {"name": "bandpas"}}, "filter name"),
        ({**NOISE, "kind_probability": 1.5}, "kind_probability is 1.5, wanted a probability"),
        ({**NOISE, "lead_probability": -1}, "lead_probability"),
    ],
)
def test_impossible_views_are_refused(view, message):
    with pytest.raises(ValueError, match=message):
        validate_views([view], sampling_rate=100.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"further_views": []}, "wanted as many in each"),
        ({"teacher_view": []}, "unknown key 'teacher_view' .did you mean|unknown key 'teacher_view'"),
        ({"teacher_views": [{"count": 0, "views": []}]}, "teacher_views is"),
        ({"name": "noise"}, "wanted different names"),
        ({"further_views": [[{"name": "lead_subst"}]] * 2}, "unknown view 'lead_subst'"),
    ],
)
def test_impossible_groups_are_refused(change, message, processor):
    with pytest.raises(ValueError, match=message):
        ECGTextViewsCollator(processor, [GROUPS[0] | change, GROUPS[1]])


def test_texts_are_described_after_age_and_sex(dataset, processor):
    collator = ECGTextCollator(processor, described=())
    rows = rows_of(dataset, collator, range(4))
    rows[0] |= {"text": "Atrial fibrillation with low T waves", "age": 63.0, "sex": "female"}
    text = collator._text(rows[0])
    assert text.startswith("This person is a female of age 63. She is having atrial fibrillation: ")
    assert "irregular RR intervals" in text and text.endswith("; low T waves.") or "T waves" in text
    assert set(collator.possible_texts(dataset)) == {
        collator._text(row) for row in rows_of(dataset, collator, range(12))
    }
    with pytest.raises(ValueError, match="one text of a whole report"):
        ECGTextCollator(processor, described=(), single_sentence_probability=0.5)


def test_a_phrase_without_a_statement_and_an_unknown_person_stay_as_they_are():
    assert described_report("borderline ECG", None, None) == "This person is having borderline ECG."
    assert described_report("", 60.0, "male") == ""
    assert "ST elevation:" not in described_report("No ST elevation", 60.0, "male")
    assert described_report("AV block", 60.0, "male").startswith(
        "This person is a male of age 60. He is having AV block"
    )
    whole = described_report("Prolonged PR interval", None, "male")
    assert ": prolonged PR interval (over 200 ms)" in whole
    assert described_report("Prolonged PR interval", None, "male", held_out=["LPR", "1AVB"]).endswith(
        "prolonged PR interval."
    )
