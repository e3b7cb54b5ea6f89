"""From a waveform to the beats that CLEAR reads."""

from ...processing import ECGFeatureExtractor
from ...signals import STANDARD_LEADS

# beats of a lead, and samples of a beat
BEATS, BEAT_SAMPLES = 15, 96


def clear_feature_extractor() -> ECGFeatureExtractor:
    """CLEAR's preparation of MIMIC-IV-ECG, and its tokeniser of R peaks.

    The first 10 s at 100 Hz, filtered to 0.67 to 40 Hz; R peaks of lead II, or of the first lead that has any; of a
    record without one, 15 beats at equal distances. The original drops records that are zero throughout; here they
    are beats of zeros.
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
            {
                "name": "filter",
                "filter": {
                    "name": "bandpass",
                    "low_hz": 0.67,
                    "high_hz": 40.0,
                    "order": 5,
                    "form": "ba",
                    "zero_phase": True,
                },
            },
            {"name": "crop", "position": "start"},
            {"name": "pad"},
            {"name": "views"},
            {
                "name": "beat_tokens",
                "token_samples": BEAT_SAMPLES,
                "beats_per_lead": BEATS,
                "detector": "xqrs",
                "searched": "in_turn",
                "first_lead": "II",
                "without_beats": "equally_spaced",
            },
        ],
    )
