"""Beats in place of the waveform: what stands where, how many are kept, and where there is none."""

import json

import numpy as np
import pytest
import torch

from hf_ecg import ECGFeatureExtractor
from hf_ecg.processing import stack_outputs
from hf_ecg.processing.steps import beat_tokens
from hf_ecg.signals.beat_cutting import cut_beats
from hf_ecg.signals.beat_detection import find_r_peaks, xqrs_peaks
from hf_ecg.signals.leads import STANDARD_LEADS
from tests.signals.made_beats import every, waveform

LEADS = list(STANDARD_LEADS)
NAMES = ["beat_tokens", "beat_mask", "lead_ids", "time_ids", "peak_samples"]


def extractor(*before, **parameters):
    parameters = {"max_tokens": 256} | parameters
    parameters = {name: value for name, value in parameters.items() if value is not None}
    steps = [{"name": "select_leads"}, *before, {"name": "pad"}, {"name": "beat_tokens", **parameters}]
    return ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=1000, steps=steps)


def read(signals, own=None, leads=LEADS):
    return (own or extractor())(signals, 100, leads, "mV", return_tensors="pt")


def test_a_token_is_the_waveform_around_its_peak():
    signals = waveform(every(0.8))
    batch = read(signals)
    assert extractor().model_input_names == list(batch) == ["lead_mask", *NAMES]
    assert batch["beat_mask"].all() and batch["beat_tokens"].shape == (1, 12 * len(every(0.8)), 96)
    for token, lead, time, peak in zip(*(batch[name][0] for name in NAMES if name != "beat_mask"), strict=True):
        assert time == peak // 100 + 1
        first = max(int(peak) - 40, 0)
        expected = signals[int(lead) - 1, first : int(peak) + 39]
        at = 48 - (int(peak) - first)
        np.testing.assert_array_equal(token[at : at + len(expected)], expected.astype(np.float32))
    assert batch["lead_ids"][0].tolist() == sorted(batch["lead_ids"][0].tolist())


def peaks_of(batch, row=0):
    return batch["peak_samples"][row][batch["beat_mask"][row] & (batch["lead_ids"][row] == 1)].tolist()


@pytest.mark.parametrize("own", [{}, {"max_tokens": None, "beats_per_lead": 15}], ids=["packed", "grid"])
def test_all_leads_survive_150_beats_a_minute(own):
    fast = every(0.4)
    assert 12 * len(fast) > 256
    batch = read(waveform(fast), extractor(**own))
    counts = np.bincount(batch["lead_ids"][0][batch["beat_mask"][0]], minlength=13)
    most = 15 if own else 21
    assert counts.tolist() == [0, *[most] * 12]
    np.testing.assert_allclose(peaks_of(batch), fast[:most], atol=2)


def test_the_released_truncation_loses_leads():
    batch = read(waveform(every(0.4)), extractor(compat_lead_major_truncation=True))
    assert int(batch["lead_ids"].max()) == 11 and batch["beat_mask"].sum() == 256


def test_what_is_left_out_is_said_once(caplog, monkeypatch):
    monkeypatch.setattr(beat_tokens, "first_time", lambda *kind, said=set(): kind not in said and not said.add(kind))
    with caplog.at_level("WARNING"):
        read(waveform(every(0.8)))
        assert "more beats" not in caplog.text
        read(waveform(every(0.4)))
        read(waveform(every(0.35)))
    assert caplog.text.count("more beats than there are places") == 1 and "keeps its first" in caplog.text


def test_no_beat_is_a_mask():
    flat = np.zeros((12, 1000))
    batch = read([flat, flat])
    assert batch["beat_tokens"].shape == (2, 1, 96) and not batch["beat_mask"].any()
    assert (batch["peak_samples"] == -1).all() and not batch["time_ids"].any()
    beside = read([flat, waveform(every(1.0))])
    assert not beside["beat_mask"][0].any() and beside["beat_mask"][1].all()


@pytest.mark.parametrize("parameters", [{}, {"detector": "xqrs", "searched": "first"}], ids=["slopes", "xqrs"])
def test_rounding_errors_of_a_filtered_constant_are_no_beats(parameters):
    band = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "ba", "zero_phase": True}
    own = extractor({"name": "filter", "filter": band}, **parameters)
    batch = read([np.full((12, 1000), offset) for offset in (0.1, 1.0, 300.0)], own)
    assert not batch["beat_mask"].any()


@pytest.mark.parametrize("searched", ["in_turn", "together"])
def test_a_constant_lead_is_passed_over(searched):
    signals = waveform(every(1.0)) + 1e-9 * np.random.default_rng(0).standard_normal((12, 1000))
    signals[0] = 1e-9 * np.random.default_rng(0).standard_normal(1000)
    found = read(signals, extractor(searched=searched))
    assert len(peaks_of(found)) == len(peaks_of(read(waveform(every(1.0)))))


def test_without_beats_fifteen_places_at_equal_distances():
    own = extractor(max_tokens=None, beats_per_lead=15, without_beats="equally_spaced")
    batch = read(np.full((12, 1000), 0.3), own)
    assert batch["beat_mask"].all() and np.ptp(np.diff(peaks_of(batch))) <= 1


@pytest.mark.parametrize("seconds", [2, 5, 10])
def test_short_records_and_single_leads(seconds):
    signals = waveform(every(0.7, samples=100 * seconds), samples=100 * seconds)
    batch = read(signals[3:4], leads=["aVR"])
    assert batch["lead_ids"].unique().tolist() == [4]
    np.testing.assert_allclose(
        peaks_of({**batch, "lead_ids": batch["lead_ids"] - 3}), every(0.7, samples=100 * seconds)
    )


def test_an_absent_lead_has_a_masked_place_in_the_grid_and_none_in_a_packed_sequence():
    leads = ["I", "V3"]
    signals = waveform(every(1.0), leads=2)
    packed = read(signals, leads=leads)
    assert packed["lead_ids"].unique().tolist() == [1, 9] and packed["beat_mask"].all()
    grid = read(signals, extractor(max_tokens=None, beats_per_lead=15), leads=leads)
    assert grid["lead_ids"][0].tolist() == np.repeat(np.arange(1, 13), 15).tolist()
    assert grid["lead_ids"][grid["beat_mask"]].unique().tolist() == [1, 9]
    assert not grid["beat_tokens"][~grid["beat_mask"]].any()


@pytest.mark.parametrize("detector", ["slopes", "xqrs"])
def test_where_the_peaks_are_searched(detector):
    signals = waveform(every(0.8))
    signals[0] = 0
    signals[1] = waveform(every(1.25))[11]

    def of_one(signal):
        found = xqrs_peaks(signal, 100) if detector == "xqrs" else find_r_peaks(signal[None, None], 100)[0]
        return found.tolist()

    first = read(signals, extractor(detector=detector, searched="first"))
    assert not first["beat_mask"].any()
    turn = read(signals, extractor(detector=detector, searched="in_turn"))
    assert peaks_of(turn) == of_one(signals[1])
    last = read(signals, extractor(detector=detector, searched="in_turn", first_lead="V6"))
    assert peaks_of(last) == of_one(signals[11]) != peaks_of(turn)
    # the first lead of those that are there
    places = [1, 6, 7, 8]
    own, leads = extractor(detector=detector, searched="first"), [LEADS[place] for place in places]
    present = read(signals[places], own, leads)
    assert peaks_of({**present, "lead_ids": present["lead_ids"] - 1}) == peaks_of(turn)


def test_padding_has_no_beats():
    short = read(waveform(every(0.7, samples=500), samples=500) + 2.0)
    assert max(peaks_of(short)) < 500


@pytest.mark.parametrize("parameters", [{}, {"detector": "xqrs", "searched": "first"}], ids=["slopes", "xqrs"])
def test_padding_in_front_moves_the_beats(parameters):
    signals = waveform(every(0.7, samples=500), samples=500)
    steps = [{"name": "pad", "position": "start"}, {"name": "beat_tokens", "max_tokens": 256} | parameters]
    front = ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=1000, steps=steps)
    behind = read(signals, extractor(**parameters))
    assert peaks_of(read(signals, front)) == [peak + 500 for peak in peaks_of(behind)]


def test_times_count_stretches_of_the_seconds_that_are_asked_for():
    batch = read(waveform(every(0.8)), extractor(time_seconds=2.5))
    assert torch.equal(batch["time_ids"], batch["peak_samples"] // 250 + 1)


def test_batches_are_what_single_records_stack_to():
    signals = [waveform(every(0.5)), np.zeros((12, 1000)), waveform(every(1.0), seed=3)]
    whole, parts = read(signals), [dict(read(signal)) for signal in signals]
    stacked = stack_outputs(parts, extractor().outputs, return_tensors="pt")
    assert all(torch.equal(stacked[name], whole[name]) for name in NAMES)


def test_full_length_and_a_saved_recipe(tmp_path):
    own = extractor(full_length=True, compat_shifted_peaks=True)
    own.save_pretrained(tmp_path)
    saved = json.loads((tmp_path / "preprocessor_config.json").read_text())["steps"][-1]
    assert saved["detector"] == "slopes" and saved["compat_shifted_peaks"] and "beats_per_lead" not in saved
    batch = read(waveform(every(1.0)), ECGFeatureExtractor.from_pretrained(tmp_path))
    assert batch["beat_tokens"].shape == (1, 256, 96) and not batch["beat_mask"].all()


def test_views_act_before_it():
    own = extractor({"name": "views"})
    batch = own.before_views(waveform(every(1.0)), 100, LEADS, "mV")
    assert "beat_tokens" not in batch
    batch["lead_mask"][:, 6:] = False
    assert int(own.after_views(batch)["lead_ids"].max()) == 6


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"beats_per_lead": 3}, "max_tokens is 256 and beats_per_lead is 3, wanted one of them"),
        ({"max_tokens": None}, "max_tokens is None and beats_per_lead is None"),
        ({"detector": "xqrs"}, "xqrs searches one lead"),
        ({"detector": "pan"}, "slopes, xqrs"),
        ({"first_lead": "II"}, 'which is for searched "in_turn"'),
        ({"without_beats": "equally_spaced"}, "beats_per_lead, which is not given"),
        ({"max_tokens": None, "beats_per_lead": 15, "full_length": True}, "about max_tokens"),
    ],
)
def test_impossible_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        extractor(**parameters)


def test_fewer_places_than_leads_are_refused():
    with pytest.raises(ValueError, match="max_tokens is 5 for 12 leads, wanted at least one a lead"):
        read(waveform(every(1.0)), extractor(max_tokens=5))


@pytest.mark.parametrize("peaks", [[5, 5], [9, 3], [-1], [1000]])
def test_peaks_that_cannot_be(peaks):
    with pytest.raises(ValueError, match="peaks must ascend and lie within the 1000 samples"):
        cut_beats(np.zeros((1, 2, 1000)), [peaks], max_tokens=8)


def test_where_a_beat_begins_and_ends():
    """Midway to its neighbours, half a token at most, by hand."""
    ramp = np.arange(1.0, 1001.0)[None, None]
    beats = cut_beats(ramp, [[10, 60, 200]], max_tokens=8)
    first, middle, last = beats.tokens[0]
    assert np.flatnonzero(first)[[0, -1]].tolist() == [38, 72] and first[48] == 11
    # midway to the beat before lies 25 samples back; 70 to the next one are too many
    assert np.flatnonzero(middle)[[0, -1]].tolist() == [23, 95] and middle[48] == 61
    assert np.flatnonzero(last)[[0, -1]].tolist() == [0, 95] and last[48] == 201
    moved = cut_beats(ramp, [[10, 80, 110]], max_tokens=8, shifted_peaks=True).tokens[0, 2]
    assert moved[48] == 111


@pytest.mark.parametrize("shifted", [False, True])
def test_a_beat_that_begins_early(shifted):
    ramp = np.arange(1.0, 1001.0)[None, None]
    token = cut_beats(ramp, [[100, 220, 240]], max_tokens=8, shifted_peaks=shifted).tokens[0, 1]
    # it begins at 160 and ends at 230: 70 samples, 60 of them before the peak
    assert token[60 if shifted else 48] == 221 and token[0] == (161 if shifted else 173)
