"""The ends of a record: its level stays what it is, and extractor and prepared rows agree about it."""

import numpy as np
import pytest

from hf_ecg.data.readers.windows import WindowRule, at_rate
from hf_ecg.models.ecg_resnext.convert_ecg_resnext import clef_feature_extractor
from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.signals import Record
from hf_ecg.signals.leads import STANDARD_LEADS

LEVELS = [0.0, -4.5, 3.0]


def millivolts(rate, seconds=10, level=0.0):
    phase = np.mod(np.arange(round(rate * seconds)) / rate + 0.1, 0.8) - 0.4
    beat = np.exp(-((phase / 0.02) ** 2)) + 0.3 * np.exp(-(((phase - 0.25) / 0.05) ** 2))
    return level + np.linspace(0.5, 1.6, 12)[:, None] * beat


def record(rate, level):
    counts = np.rint(millivolts(rate, level=level) * 1000).astype(np.int16)
    return Record("made", counts, np.full(12, 1000.0), np.zeros(12), STANDARD_LEADS, rate)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("rate", "target"), [(1000, 100), (250, 500), (512.414, 100), (257, 500)])
def test_an_offset_moves_no_edge(rate, target, level):
    extractor = ECGFeatureExtractor(sampling_rate=target, num_samples=10 * target)
    given = extractor(millivolts(rate, level=level), rate, STANDARD_LEADS, "mV")["input_values"][0]
    plain = extractor(millivolts(rate), rate, STANDARD_LEADS, "mV")["input_values"][0]
    np.testing.assert_allclose(given - level, plain, atol=1e-6)
    np.testing.assert_allclose(plain, millivolts(target), atol=0.01)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("rate", "target"), [(1000, 100), (512.414, 100), (250, 500)])
def test_extractor_and_prepared_rows_agree_about_a_record(rate, target, level):
    whole = record(rate, level)
    extractor = ECGFeatureExtractor(sampling_rate=target, num_samples=10 * target)
    given = extractor(whole)["input_values"][0]
    # rows are rounded to counts of the record's own gain
    rows = extractor(at_rate(whole, target))["input_values"][0]
    np.testing.assert_allclose(given, rows, atol=0.5e-3 + 1e-6)
    ((_, window),) = WindowRule(target, seconds=10)(whole)
    np.testing.assert_array_equal(extractor(window)["input_values"][0], rows)


@pytest.mark.parametrize("level", LEVELS)
def test_a_z_score_sees_no_edge(level):
    extractor = ECGFeatureExtractor(
        sampling_rate=500,
        leads=["I", "II"],
        num_samples=5000,
        steps=[{"name": "resample"}, {"name": "normalise", "method": "zscore"}],
    )
    given = extractor(millivolts(250, level=level)[:2], 250, ["I", "II"], "mV")["input_values"][0]
    wanted = millivolts(500)[:2]
    wanted = (wanted - wanted.mean(-1, keepdims=True)) / wanted.std(-1, keepdims=True)
    np.testing.assert_allclose(given, wanted, atol=0.05)


@pytest.mark.parametrize("level", LEVELS)
def test_clefs_recipe_sees_no_edge(level):
    given, plain = (
        clef_feature_extractor()(millivolts(250, level=added)[:1], 250, ["I"], "mV")["input_values"]
        for added in (level, 0.0)
    )
    # its filter as polynomials is off by some thousandths
    np.testing.assert_allclose(given, plain, atol=0.02)


@pytest.mark.parametrize("method", ["fft", "linear", "polyphase"])
def test_recipes_saved_before_there_were_edges_keep_their_numbers(method):
    causal = {"name": "highpass", "low_hz": 0.5, "order": 2, "form": "sos", "zero_phase": False}
    steps = [
        {"name": "resample", "method": method},
        {"name": "filter", "filter": causal},
        {"name": "subtract_median", "seconds": 0.4},
    ]
    plain = {"fft": "periodic", "linear": "repeat", "polyphase": "zero"}[method]
    as_then = [
        {"name": "resample", "method": method, "edges": plain},
        {"name": "filter", "filter": causal | {"edges": "zero"}},
        {"name": "subtract_median", "seconds": 0.4, "edges": "zero"},
    ]
    common = {"sampling_rate": 100, "leads": ["V1"], "num_samples": 1000}
    loaded = ECGFeatureExtractor.from_dict({**common, "steps": steps})
    assert loaded.steps == ECGFeatureExtractor(**common, steps=as_then).steps
    made = ECGFeatureExtractor(**common, steps=steps)
    assert made.steps[1]["edges"] == "odd" and made.steps[2]["filter"]["edges"] == "level"
    assert made.steps[3]["edges"] == "even"
    assert ECGFeatureExtractor.from_dict(made.to_dict()).steps == made.steps


def test_steps_given_beside_a_saved_recipe_are_new_ones():
    """What was saved without `edges` keeps its arithmetic; what is given now has today's."""
    new = [{"name": "resample", "method": "linear"}]
    saved = ECGFeatureExtractor(sampling_rate=100, num_samples=1000).to_dict()
    wanted = ECGFeatureExtractor(sampling_rate=100, num_samples=1000, steps=new).steps
    assert ECGFeatureExtractor.from_dict(saved, steps=new).steps == wanted
    assert ECGFeatureExtractor.from_dict(saved | {"steps": new}).steps != wanted
