"""Beat tokens on ECG paper, a record as a sentence, and the vocabulary's most used words."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason='figures need the extra "plot"')

from hf_ecg import ECGFeatureExtractor, HeartLangVQHBRForPreTraining
from hf_ecg.plotting import plot_beats, plot_sentence, plot_vocabulary
from hf_ecg.plotting.__main__ import main
from hf_ecg.signals.leads import STANDARD_LEADS
from hf_ecg.signals.record import Record
from tests.models.tiny.heartlang_vqhbr import vqhbr_config
from tests.signals.made_beats import every, waveform

LEADS = list(STANDARD_LEADS)


def marks(figure, gid):
    return [artist for artist in figure.axes[0].get_children() if artist.get_gid() == gid]


def test_a_mark_stands_at_the_peak_of_each_beat_that_is_shown():
    signals, peaks = waveform(every(0.8), noise=0.0), every(0.8)
    leads = ["II"] * len(peaks) + ["V1"] * len(peaks)
    figure = plot_beats(
        signals,
        [*peaks, *peaks],
        leads,
        [f"w{number}" for number in range(len(leads))],
        position_rate=100,
        sampling_rate=100,
        leads=LEADS,
        units="mV",
        start=2.0,
        seconds=5.0,
    )
    inside = [number for number, peak in enumerate(peaks) if 200 <= peak <= 700]
    assert [text.get_text() for text in marks(figure, "word")] == [f"w{number}" for number in inside]
    (trace,) = marks(figure, "trace-II")
    x, y = trace.get_data()
    for mark in marks(figure, "beat"):
        near = np.abs(x - mark.get_xdata()[0]) < 2.5
        top = x[near][np.abs(y[near] - np.median(y)).argmax()]
        assert top == pytest.approx(mark.get_xdata()[0], abs=0.3)


def test_beats_that_are_not_there_have_no_mark():
    figure = plot_beats(
        waveform(every(0.8)), [-1], ["II"], position_rate=100, sampling_rate=100, leads=LEADS, units="mV"
    )
    assert not marks(figure, "beat")
    with pytest.raises(ValueError, match="labels are 2, wanted one for each of 1 positions"):
        plot_beats(waveform(every(0.8)), [-1], ["II"], ["a", "b"], position_rate=100)


def test_the_most_used_words_come_first():
    figure = plot_vocabulary(
        np.random.default_rng(0).normal(size=(5, 8)), [1, 5, 0, 4, 2], sampling_rate=100, number=9
    )
    assert [axes.get_title().split()[0] for axes in figure.axes] == ["1", "3", "4", "0"]
    with pytest.raises(ValueError, match="none of the 5 words is used"):
        plot_vocabulary(np.zeros((5, 8)), np.zeros(5), sampling_rate=100)
    with pytest.raises(ValueError, match=r"usage \(4,\)"):
        plot_vocabulary(np.zeros((5, 8)), np.zeros(4), sampling_rate=100)


def test_a_sentence_stands_over_its_beats_where_the_recipe_pads_in_front():
    model = HeartLangVQHBRForPreTraining(vqhbr_config(num_samples=1000, beat_samples=96))
    steps = [{"name": "select_leads"}, {"name": "pad", "position": "start"}, {"name": "beat_tokens", "max_tokens": 40}]
    extractor = ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=1000, steps=steps)
    peaks = every(0.8, samples=500)
    record = Record("short", waveform(peaks, samples=500, leads=1), None, None, ("II",), 100)
    beats, (trace,) = (marks(plot_sentence(record, model, extractor), gid) for gid in ("beat", "trace-II"))
    across = trace.get_xdata()
    places = [round((mark.get_xdata()[0] - across[0]) / (across[1] - across[0])) for mark in beats]
    np.testing.assert_allclose(places, peaks, atol=1)


def test_the_command_draws_words_and_sentences(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = HeartLangVQHBRForPreTraining(vqhbr_config(num_samples=1000, beat_samples=96))
    model.codebook.usage[:3] = 1
    model.save_pretrained("words")
    steps = [{"name": "resample"}, {"name": "crop"}, {"name": "pad"}, {"name": "beat_tokens", "max_tokens": 40}]
    ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=1000, steps=steps).save_pretrained("words")
    main(["--words", "words", "--output", "words.svg"])
    assert b'id="word-0"' in (tmp_path / "words.svg").read_bytes()
    for arguments, message in (
        (["--output", "a.png"], "there is no INPUT"),
        (["--words", "words", "--metric", "loss", "--output", "a.png"], "--metric does not go with --words"),
        (["--words", "words", "--leads", "II", "--output", "a.png"], "--leads is for records"),
    ):
        with pytest.raises(SystemExit):
            main(arguments)
        assert message in capsys.readouterr().err


def test_a_real_record_is_a_sentence(ptb_xl_dir, tmp_path):
    model = HeartLangVQHBRForPreTraining(vqhbr_config(num_samples=1000, beat_samples=96, num_tokens=256))
    model.save_pretrained(tmp_path / "words")
    steps = [{"name": "resample"}, {"name": "crop"}, {"name": "pad"}, {"name": "beat_tokens", "max_tokens": 256}]
    ECGFeatureExtractor(sampling_rate=100, leads=LEADS, num_samples=1000, steps=steps).save_pretrained(
        tmp_path / "words"
    )
    record = ptb_xl_dir / "records100" / "00000" / "00001_lr.hea"
    main([str(record), "--words", str(tmp_path / "words"), "--output", str(tmp_path / "sentence.svg")])
    assert (tmp_path / "sentence.svg").read_text().count('id="word"') > 5
