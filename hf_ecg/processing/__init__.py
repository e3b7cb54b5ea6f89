"""From a waveform and a text to a batch."""

from .feature_extraction_ecg import ECGFeatureExtractor
from .processing_ecg_text import ECGTextProcessor

__all__ = ["ECGFeatureExtractor", "ECGTextProcessor"]
