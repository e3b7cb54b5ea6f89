"""Long records by parts, and signals that grow: the same answers, however they come."""

from dataclasses import replace

import numpy as np
import pytest
import wfdb

import hf_ecg
from hf_ecg.processing import record_windows
from hf_ecg.signals import Record
from hf_ecg.signals.streaming import LONGEST_AT_ONCE_S, RecordStream

RATE = 100


@pytest.fixture(scope="module")
def embed():
    return hf_ecg.pipeline(model="ecg-single-lead-small")


def heart(seconds, leads=("I",)):
    """Beats with some noise of its own in each lead, in millivolts."""
    time = np.arange(round(seconds * RATE)) / RATE
    beats = np.exp(-(((time % 0.8) - 0.4) ** 2) / 0.0005) + 0.1 * np.sin(time)
    noise = np.random.default_rng(0).normal(0, 0.02, (len(leads), len(time)))
    return Record("made", beats + noise, None, None, tuple(leads), RATE)


@pytest.mark.parametrize("size", [1, 137, 999, 1000, 10**6])
def test_chunks_of_any_size_give_the_windows_of_the_whole(embed, size):
    record = heart(23.5 if size > 1 else 12)
    record.values[0, 300:320] = np.nan
    grown = hf_ecg.ECGStream(embed, RATE, ["I"])
    found = []
    for first in range(0, record.num_samples, size):
        found += grown.push(record.values[:, first : first + size])
        # an answer comes with the last sample of its window
        assert len(found) == min(first + size, record.num_samples) // 1000
    found += grown.finish()
    last = record.seconds
    spans = [(0, 10), (10, 20), (last - 10, last)] if size > 1 else [(0, 10), (last - 10, last)]
    assert [(one.start, one.stop) for one in found] == spans and [one.index for one in found] == [*range(len(found))]
    for one in found:
        assert one.answer == embed(record.cut(round(one.start * RATE), round(one.stop * RATE)))
    np.testing.assert_allclose(grown.pooled, embed(record, window="all"), rtol=1e-5, atol=2e-6)


def test_what_is_missing_counts_for_nothing(embed):
    record = heart(40)
    record.values[:, 1000:2000] = np.nan
    whole = list(hf_ecg.stream(embed, [record], RATE, ["I"]))
    assert [bool(one.reason) for one in whole] == [False, True, False, False] and whole[1].answer is None
    assert "has a single sample" in whole[1].reason
    # the same as a gap between two chunks
    chunks = [(0, record.values[:, :1000]), (20, record.values[:, 2000:3000]), record.values[:, 3000:]]
    assert list(hf_ecg.stream(embed, chunks, RATE, ["I"])) == whole
    mean = np.mean([one.answer for one in whole if one.answer], axis=0)
    np.testing.assert_allclose(embed(record, window="all"), mean, rtol=1e-5, atol=2e-6)


def test_answers_in_words_and_overlapping_windows(caplog):
    asked = {"candidate_labels": ["sinus rhythm", "atrial fibrillation"]}
    ask = hf_ecg.pipeline("zero-shot-ecg-classification")
    record = heart(26, ["II", "V5"])
    grown = hf_ecg.ECGStream(ask, RATE, record.leads, stride=8, **asked)
    found = grown.push(record) + grown.finish()
    assert [(one.start, one.stop) for one in found] == [(0, 10), (8, 18), (16, 26)]
    for one in found:
        assert one.answer == ask(record.cut(round(one.start * RATE), round(one.stop * RATE)), **asked)
    assert grown.pooled[0]["windows"] == 3
    whole = ask(record, window="all", **asked)
    assert whole[0]["windows"] == 3 and "windows" not in ask(record, **asked)[0]


def test_a_signal_shorter_than_a_window_and_none_at_all(embed):
    short = heart(6)
    (one,) = hf_ecg.stream(embed, [short], RATE, ["I"])
    assert one.answer == embed(short)
    assert list(hf_ecg.stream(embed, [], RATE, ["I"])) == []
    assert list(hf_ecg.stream(embed, [np.zeros((1, 0)), np.zeros(0)], RATE, ["I"])) == []
    # a window and no more; chunks without a sample add nothing
    window = heart(10)
    nothing = np.zeros((1, 0))
    (one,) = hf_ecg.stream(embed, [nothing, window, nothing, (10, nothing)], RATE, ["I"])
    assert one.answer == embed(window) == embed(window, window="all") and (one.start, one.stop) == (0, 10)
    (one,) = hf_ecg.stream(embed, [window.cut(0, 1)], RATE, ["I"])
    assert one.answer is None and "lasts 0.01 s, wanted 5 to 120 s" in one.reason
    with pytest.raises(ValueError, match="lasts 0.01 s, wanted 5 to 120 s"):
        embed(window.cut(0, 1))
    with pytest.raises(ValueError, match="none of its leads .'I'. has a single sample"):
        embed(replace(window, values=np.full_like(window.values, np.nan)))


def test_rates_that_are_no_whole_number(embed):
    """A watch's 512.508 Hz: the windows of the stream are those of the whole."""
    record = replace(heart(128), sampling_rate=512.508)  # 12,800 samples, some 25 s
    found = list(hf_ecg.stream(embed, [record.cut(0, 7000), record.cut(7000, 12_800)], 512.508, ["I"]))
    assert [round(one.start * 512.508) for one in found] == [0, 5125, 7675]
    assert [one.answer for one in found][1:] == [embed(record.cut(5125, 10_250)), embed(record.cut(7675, 12_800))]


def test_chunks_that_do_not_fit_are_refused(embed):
    grown = hf_ecg.ECGStream(embed, RATE, ["I"])
    for chunk, start, match in (
        (np.zeros((2, 50)), None, r"shape \(2, 50\), wanted \(1, samples\)"),
        (heart(1, ["II"]), None, "has .'II'. at 100 Hz, wanted .'I'. at 100 Hz"),
        (replace(heart(1), sampling_rate=250.0), None, "has .'I'. at 250 Hz, wanted .'I'. at 100 Hz"),
        (heart(1, ["V5", "I"]), None, "has .'V5', 'I'. at 100 Hz, wanted .'I'. at 100 Hz"),
        (np.zeros((50, 1)), None, r"shape \(50, 1\), wanted \(1, samples\)"),
        (np.zeros((1, 50)), -1, "starts at -1 s, but the signal reaches to 0 s"),
        (np.zeros((1, 50)), 1.7e9, "wanted seconds from its first sample"),
        (np.zeros((1, 50)), "now", "start is 'now'"),
    ):
        with pytest.raises(ValueError, match=match):
            grown.push(chunk, start)
    grown.push(np.zeros(50))
    grown.finish()
    with pytest.raises(ValueError, match="the stream is finished"):
        grown.push(np.zeros(50))
    with pytest.raises(ValueError, match="window is an option of a pipeline's call"):
        hf_ecg.stream(embed, [], RATE, ["I"], window="all")


@pytest.fixture(scope="module")
def long_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("long")
    counts = np.rint(heart(LONGEST_AT_ONCE_S + 65).values.T * 1000).astype(np.int64)
    counts[3000:4000] = -(2**15)
    form = {"fmt": ["16"], "adc_gain": [1000.0], "baseline": [0]}
    wfdb.wrsamp("day", RATE, ["mV"], ["I"], d_signal=counts, write_dir=str(folder), **form)
    return folder / "day.hea"


def test_a_long_file_is_read_by_parts_and_answered_alike(embed, long_file, caplog, monkeypatch):
    monkeypatch.setattr(record_windows, "_told", set())
    record = hf_ecg.read(long_file)
    parts = embed(str(long_file))
    assert "lasts 665 s and is read as 67 windows of 10 s: their outputs are averaged" in caplog.text
    assert "1 of its 67 windows cannot be used and count for nothing" in caplog.text
    both = embed([str(long_file), heart(12)], batch_size=2)
    np.testing.assert_allclose(both[0], parts, rtol=1e-5, atol=2e-6)
    np.testing.assert_allclose(both[1], embed(heart(12)), rtol=1e-5, atol=2e-6)
    answers = [one.answer for one in hf_ecg.stream(embed, [record], RATE, ["I"]) if one.answer]
    assert len(answers) == 66
    np.testing.assert_allclose(parts, np.mean(answers, axis=0), rtol=1e-5, atol=5e-6)
    # one that a caller chose
    np.testing.assert_allclose(embed(str(long_file), window="first"), embed(record.cut(0, 1000)), rtol=1e-5, atol=2e-6)


def test_a_damaged_long_file_is_refused_before_an_answer(embed, long_file, tmp_path):
    for ending in (".hea", ".dat"):
        (tmp_path / f"day{ending}").write_bytes(long_file.with_suffix(ending).read_bytes())
    content = bytearray((tmp_path / "day.dat").read_bytes())
    content[-2] ^= 8
    (tmp_path / "day.dat").write_bytes(content)
    assert RecordStream(tmp_path / "day").in_parts
    with pytest.raises(ValueError, match="the samples are damaged"):
        embed(str(tmp_path / "day.hea"))
