"""From a waveform to the beats that HeartLang reads."""

from typing import Any

from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS

# HeartLang's preparation of MIMIC-IV-ECG
BAND: dict[str, Any] = {
    "name": "bandpass",
    "low_hz": 0.67,
    "high_hz": 40.0,
    "order": 5,
    "form": "ba",
    "zero_phase": True,
}
# QRSTokenizer.py of the released code
RELEASED_BEATS: dict[str, Any] = {
    "max_tokens": 256,
    "detector": "xqrs",
    "searched": "first",
    "full_length": True,
    "compat_lead_major_truncation": True,
    "compat_shifted_peaks": True,
}


def heartlang_feature_extractor() -> ECGFeatureExtractor:
    """HeartLang's preparation of MIMIC-IV-ECG (10 s at 500 Hz), and its tokeniser.

    Records are resampled to 100 Hz in the frequency domain and filtered; then the beats that xqrs finds in the first
    lead are cut out of all leads.
    """
    return ECGFeatureExtractor(
        sampling_rate=100,
        leads=list(STANDARD_LEADS),
        num_samples=1000,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "fill_missing", "method": "neighbour_mean", "neighbours": 6},
            {"name": "resample", "method": "fft", "edges": "periodic"},
            {"name": "crop"},
            {"name": "filter", "filter": BAND},
            {"name": "pad"},
            {"name": "views"},
            {"name": "beat_tokens", **RELEASED_BEATS},
        ],
    )
