"""From a waveform and a text to a batch."""

from .feature_extraction_ecg import ECGFeatureExtractor
from .outputs import Output, stack_outputs
from .processing_ecg_text import ECGTextProcessor
from .steps import Step, WaveformBatch, register_step

__all__ = [
    "ECGFeatureExtractor",
    "ECGTextProcessor",
    "Output",
    "Step",
    "WaveformBatch",
    "register_step",
    "stack_outputs",
]
