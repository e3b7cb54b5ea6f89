"""What is wrong with a recording: damage to its leads by name, and noise by what beats and waveforms look like.

`quality_report` judges damage by rules. `heart_rate_variability` and `waveform_indices` measure windows of 20 s
(`noise_features`); `noise_detector` says by `saved_classifiers` which are too noisy to read.
"""

from .heart_rate_variability import HRV_FEATURES, hrv_features
from .noise_detector import (
    NoiseDetector,
    NoiseReport,
    detect_noise,
    load_noise_detector,
    noise_detector_names,
)
from .quality_report import (
    DAMAGE,
    FLAGS,
    MAX_MAINS_MV,
    MAX_WANDER_MV,
    SUSPICIONS,
    QualityReport,
    check_quality,
)
from .waveform_indices import WAVEFORM_INDICES, waveform_indices

__all__ = [
    "DAMAGE",
    "FLAGS",
    "HRV_FEATURES",
    "MAX_MAINS_MV",
    "MAX_WANDER_MV",
    "SUSPICIONS",
    "WAVEFORM_INDICES",
    "NoiseDetector",
    "NoiseReport",
    "QualityReport",
    "check_quality",
    "detect_noise",
    "hrv_features",
    "load_noise_detector",
    "noise_detector_names",
    "waveform_indices",
]
