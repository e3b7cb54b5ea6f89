"""The preparation of published systems, written as steps, against what their own code computes."""

import numpy as np
import pytest

from hf_ecg.models.ecg_resnext.convert_ecg_resnext import clef_feature_extractor, ecgfounder_feature_extractor
from hf_ecg.processing import ECGFeatureExtractor
from hf_ecg.signals.leads import STANDARD_LEADS

BAND = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "ba", "zero_phase": True}
FILTER, TO_100_HZ = {"name": "filter", "filter": BAND}, {"name": "resample", "method": "fft", "edges": "periodic"}
TO_3 = {"name": "normalise", "method": "minmax", "over": "record", "minimum": -3.0, "maximum": 3.0, "epsilon": 0.0}
TO_1 = {"name": "normalise", "method": "minmax", "over": "record"}
FIRST_HALF = [{"name": "crop", "num_samples": 2500}, {"name": "pad", "num_samples": 5000}]
# MERL swaps the rows of aVL and aVF, so that its network sees the order of MIMIC-IV-ECG's files.
MIMIC_ORDER = ["I", "II", "III", "aVR", "aVF", "aVL", "V1", "V2", "V3", "V4", "V5", "V6"]


@pytest.mark.parametrize(
    ("case", "rate", "leads", "steps"),
    [
        ("heartlang.mimic", 100, STANDARD_LEADS, [TO_100_HZ, FILTER]),
        ("heartlang.csn", 100, STANDARD_LEADS, [TO_3, TO_100_HZ, FILTER]),
        ("heartlang.cpsc2018", 100, STANDARD_LEADS, [*FIRST_HALF, TO_3, TO_100_HZ]),
        ("merl.downstream", 500, MIMIC_ORDER, [TO_1]),
        ("merl.downstream_cpsc2018", 500, MIMIC_ORDER, [*FIRST_HALF, TO_1]),
    ],
)
def test_same_numbers_as_the_original(golden_dir, case, rate, leads, steps):
    with np.load(golden_dir / "preprocess-originals" / "expected_seed0.npz") as stored:
        signals, expected = stored["in.ecg500"], stored[case]
    extractor = ECGFeatureExtractor(rate, leads, rate * 10, steps)
    given = extractor(signals, 500, STANDARD_LEADS, "mV")["input_values"][0]
    # The 500 Hz results are stored as every fifth sample.
    np.testing.assert_allclose(given[:, :: rate // 100], expected, atol=2e-7)


def test_clefs_extractor_gives_what_its_loader_does(golden_dir):
    with np.load(golden_dir / "preprocess-originals" / "expected_seed0.npz") as stored:
        signals, expected = stored["in.ecg500"], [stored[f"clef.final_lead{number}"] for number in (0, 1)]
    for number, lead in enumerate(("I", "II")):
        given = clef_feature_extractor()(signals, 500, STANDARD_LEADS, "mV", lead=lead)["input_values"][0, 0]
        # One unit in the last place of a coefficient moves this filter's output by as much.
        np.testing.assert_allclose(given, expected[number], atol=1e-2)
        assert np.corrcoef(given, expected[number])[0, 1] > 0.9999


def test_ecgfounders_extractor_gives_what_its_loader_does(golden_dir):
    with np.load(golden_dir / "preprocess-originals" / "expected_seed0.npz") as stored:
        signals, expected = stored["in.ecg500"], stored["ecgfounder.final"]
    given = ecgfounder_feature_extractor()(signals, 500, STANDARD_LEADS, "mV")["input_values"][0]
    np.testing.assert_allclose(given[:, ::5], expected, atol=5e-5)
