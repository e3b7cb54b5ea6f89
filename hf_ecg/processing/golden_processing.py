"""HeartLang's preparation in the steps of the feature extractor, as golden cases."""

from ..golden_cases import GoldenCase
from ..signals import STANDARD_LEADS
from .feature_extraction_ecg import ECGFeatureExtractor

BAND = {"name": "bandpass", "low_hz": 0.67, "high_hz": 40.0, "order": 5, "form": "ba", "zero_phase": True}
FILTER = {"name": "filter", "filter": BAND}
TO_100_HZ = {"name": "resample", "method": "fft", "edges": "periodic"}
TO_3 = {"name": "normalise", "method": "minmax", "over": "record", "minimum": -3.0, "maximum": 3.0, "epsilon": 0.0}
STEPS: dict[str, list[dict]] = {
    "heartlang.mimic": [TO_100_HZ, FILTER],
    "heartlang.csn": [TO_3, TO_100_HZ, FILTER],
    "heartlang.cpsc2018": [
        {"name": "crop", "num_samples": 2500},
        {"name": "pad", "num_samples": 5000},
        TO_3,
        TO_100_HZ,
    ],
}


def heartlang(case: GoldenCase) -> dict:
    """Of 10 s at 500 Hz, to 100 Hz."""
    ecg, leads = case.stored("in.ecg500"), list(STANDARD_LEADS)
    return {
        name: ECGFeatureExtractor(100, leads, 1000, steps)(ecg, 500, leads, "mV").input_values[0]
        for name, steps in STEPS.items()
    }


GOLDEN = {"preprocess-originals": heartlang}
NOT_COMPARED: dict[str, dict[str, str]] = {}
