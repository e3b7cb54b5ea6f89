"""The pipeline "ecg-lead-reconstruction": measured leads stay, the others are marked, errors are one sentence."""

from datetime import datetime

import numpy as np
import pytest
import torch
from transformers import pipeline, set_seed

import hf_ecg
from hf_ecg import ECGFeatureExtractor, ECGUNetForLeadReconstruction
from hf_ecg.pipeline_reconstruction import in_windows, windows_of
from hf_ecg.signals import STANDARD_LEADS, Record, derive_limb_leads, read
from hf_ecg.signals.leads import CHEST_LEADS
from tests.models.tiny.ecg_unet import unet_config

HIGHPASS = {"name": "highpass", "low_hz": 0.5, "order": 2, "form": "sos", "zero_phase": True}
STEPS = [
    {"name": "derive_limb_leads"},
    {"name": "select_leads"},
    {"name": "fill_missing", "method": "linear"},
    {"name": "resample", "method": "polyphase"},
    {"name": "filter", "filter": HIGHPASS},
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    set_seed(0)
    model = ECGUNetForLeadReconstruction(unet_config())
    torch.nn.init.normal_(model.head.weight, std=0.2)
    path = tmp_path_factory.mktemp("unet")
    model.save_pretrained(path)
    ECGFeatureExtractor(100, STANDARD_LEADS, None, STEPS).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def complete(folder):
    return hf_ecg.pipeline(model=str(folder), device="cpu")


def waves(leads, seconds=3.0, rate=250):
    time = np.arange(round(seconds * rate)) / rate
    return 0.4 * np.sin(2 * np.pi * 1.3 * time + np.arange(leads)[:, None]) + 0.2


def test_it_is_the_task_of_the_model(complete, folder):
    assert complete.task == "ecg-lead-reconstruction"
    again = pipeline("ecg-lead-reconstruction", model=str(folder), device="cpu")
    given = {"sampling_rate": 250, "leads": ["I", "II"], "units": "mV"}
    np.testing.assert_array_equal(again(waves(2), **given).values, complete(waves(2), **given).values)


def test_two_limb_leads_stay_four_are_computed_and_the_chest_is_marked(complete):
    given = waves(2)
    record = complete(given, sampling_rate=250, leads=["I", "II"], units="mV")
    assert record.leads == STANDARD_LEADS and record.sampling_rate == 250
    np.testing.assert_array_equal(record.values[:6], derive_limb_leads(given, ["I", "II"])[0])
    assert record.reconstructed == CHEST_LEADS
    assert record.comments == ["measured: I, II", "reconstructed, not measured: V1, V2, V3, V4, V5, V6"]
    # at the record's own rate, though the model has another
    network, extractor = complete.model, complete.feature_extractor
    inputs = extractor(given, 250, ["I", "II"], "mV", return_tensors="pt")
    leads = network(**inputs).reconstruction[0, 6:].detach().numpy()
    np.testing.assert_allclose(record.values[6:, ::5][:, 10:-10], leads[:, ::2][:, 10:-10], atol=0.02)


@pytest.mark.parametrize("lead", ["I", "II", "aVF"])
def test_one_limb_lead_gives_six_that_agree_at_the_record_s_rate(complete, lead):
    given = waves(2)
    record = complete({"array": given * 1000, "sampling_rate": 250, "leads": [lead, "V3"], "units": "uV"})
    np.testing.assert_allclose(record.values[[STANDARD_LEADS.index(name) for name in (lead, "V3")]], given, atol=1e-12)
    np.testing.assert_allclose(record.values[:6], derive_limb_leads(record.values[:2], ["I", "II"])[0], atol=1e-9)
    assert set(record.reconstructed) == set(STANDARD_LEADS) - {lead, "V3"}


def test_a_real_file_is_read_and_only_its_absent_leads_are_made(complete, shared_data_dir):
    path = shared_data_dir / "corpora-samples" / "chapman_shaoxing" / "JS00002.hea"
    whole = complete(str(path))
    truth = read(path)
    np.testing.assert_array_equal(whole.values, truth.to_millivolts())
    assert whole.reconstructed == () and whole.name == "JS00002"
    few = complete(path, leads=["II", "V1"])
    assert few.num_samples == truth.num_samples and set(few.reconstructed) == set(STANDARD_LEADS) - {"II", "V1"}
    np.testing.assert_array_equal(few.values[[1, 6]], truth.to_millivolts()[[1, 6]])


def test_several_ecgs_give_as_many_records(complete):
    records = complete([Record(str(n), waves(1, 2.0 + n), None, None, ("II",), 100) for n in range(2)])
    assert [(one.name, one.num_samples) for one in records] == [("0", 500), ("1", 750)]


def test_a_lead_that_never_changes_was_not_measured(complete, caplog):
    two = waves(2)
    flat = np.concatenate([two, np.zeros((1, two.shape[1]))])
    with caplog.at_level("WARNING"):
        made = complete(flat, sampling_rate=250, leads=["I", "II", "V2"], units="mV")
    assert "V2 never changes: nobody measured it" in caplog.text
    alone = complete(two, sampling_rate=250, leads=["I", "II"], units="mV")
    np.testing.assert_array_equal(made.to_millivolts(), alone.to_millivolts())
    assert "V2" in made.reconstructed


def test_nothing_is_made_where_a_measured_lead_has_no_sample(complete):
    given = waves(2)
    given[0, 100:200] = np.nan
    for leads in (["I"], ["I", "II"]):
        record = complete(given[: len(leads)], sampling_rate=250, leads=leads, units="mV")
        missing = np.isnan(record.values)
        rest = [place for place, lead in enumerate(STANDARD_LEADS) if lead not in leads]
        assert missing[rest, 100:200].all() and not missing[:, :100].any() and not missing[:, 200:].any()
        np.testing.assert_array_equal(record.values[: len(leads)], given[: len(leads)])


def test_what_a_record_says_of_itself_stays_and_made_leads_are_made_anew(complete):
    told = {"comments": ["simulated: nobody"], "device": "watch", "start_time": datetime(2020, 1, 2)}
    given = Record("rec.1", waves(2), None, None, ("I", "II"), 250, **told)
    once = complete(given)
    assert once.is_simulated and (once.name, once.device, once.start_time) == ("rec.1", "watch", told["start_time"])
    again = complete(once)
    # leads I and II and what follows from them: what a model made is not measured by being read again
    assert again.reconstructed == once.reconstructed == CHEST_LEADS
    assert again.comments[0] == "simulated: nobody" and len(again.comments) == len(once.comments) == 3
    np.testing.assert_array_equal(again.values[:6], once.values[:6])


def test_an_extractor_says_that_it_reads_made_leads(complete, caplog):
    made = Record("x", waves(2), None, None, ("I", "V4"), 250, reconstructed=("V4",))
    with caplog.at_level("WARNING", logger="hf_ecg"):
        complete(made)
        assert "nobody measured" not in caplog.text
        complete.feature_extractor(made)
    assert "record 0 (x): nobody measured V4, which a model made: read as measured" in caplog.text


GIVEN = {"sampling_rate": 250, "leads": ["I", "II"], "units": "mV"}


@pytest.mark.parametrize(
    "ecg, options, message",
    [
        (waves(2), {"leads": ["V1", "V2"]}, "has the leads V1, V2, wanted a limb lead among them: I, II"),
        (waves(2), {"units": "normalized"}, "wanted a voltage"),
        (waves(2) / 1e4, {}, "mV"),
        (waves(2) * 0, {"units": "mV"}, "mV|no limb lead changes"),
        (waves(2, 0.4), {}, "0.4 s long, wanted at least 1 s"),
        (waves(2), {"lead": "I"}, "unknown option 'lead' .*knows"),
        ([waves(2), waves(2)], {"batch_size": 2}, "one ECG at a time"),
    ],
)
def test_what_cannot_be_completed_is_said_in_a_sentence(complete, ecg, options, message):
    with pytest.raises(ValueError, match=message) as error:
        complete(ecg, **GIVEN | options)
    assert "\n" not in str(error.value)


def test_another_model_and_no_model_are_refused(folder):
    with pytest.raises(ValueError, match="ecg-lead-reconstruction wants a model that completes leads"):
        hf_ecg.pipeline("ecg-lead-reconstruction", "ecg-text-small")
    with pytest.raises(ValueError, match="wants model=, a model such as"):
        hf_ecg.pipeline("ecg-lead-reconstruction")
    with pytest.raises(ValueError, match="completes the twelve leads; ecg-lead-reconstruction takes it"):
        hf_ecg.pipeline("ecg-classification", str(folder))


def test_an_extractor_of_one_length_is_refused(complete):
    fixed = ECGFeatureExtractor(100, STANDARD_LEADS, 1000, [*STEPS[:4], {"name": "pad"}])
    other = pipeline("ecg-lead-reconstruction", model=complete.model, feature_extractor=fixed, device="cpu")
    with pytest.raises(ValueError, match="num_samples null"):
        other(waves(2), **GIVEN)


def test_windows_reach_from_the_first_sample_to_the_last():
    for samples in (101, 137, 180, 181, 500):
        found = list(windows_of(samples, 100, 10))
        assert found[0][0] == 0 and found[-1][1] == samples
        assert all(0 < end - first <= 100 for first, end in found)
        assert all(before[1] - after[0] >= 10 for before, after in zip(found, found[1:], strict=False))


def test_long_records_are_completed_in_windows_that_meet(complete, monkeypatch):
    from hf_ecg import pipeline_reconstruction

    torch.manual_seed(0)
    values, there = torch.randn(1, 12, 700), torch.arange(12)[None] < 2
    values = values.masked_fill(~there[..., None], 0.0)
    whole = complete.model(values, lead_mask=there).reconstruction
    monkeypatch.setattr(pipeline_reconstruction, "WINDOW_S", 3.0)
    monkeypatch.setattr(pipeline_reconstruction, "OVERLAP_S", 1.0)
    windows = in_windows(complete.model, values, there, 100)
    torch.testing.assert_close(windows[:, :6], whole[:, :6])
    # what the record has in common is that of a window, so that the rest is near and not the same
    assert (windows - whole).abs().mean() < 0.2 * whole[:, 6:].abs().mean()
