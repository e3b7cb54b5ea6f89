"""From a waveform and a text to a batch."""

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

__all__ = [
    "ECGFeatureExtractor",
    "ECGTextProcessor",
    "Output",
    "Step",
    "WaveformBatch",
    "register_step",
    "stack_outputs",
]

if TYPE_CHECKING:
    from .feature_extraction_ecg import ECGFeatureExtractor
    from .outputs import Output, stack_outputs
    from .processing_ecg_text import ECGTextProcessor
    from .steps import Step, WaveformBatch, register_step
else:  # a file is read for a picture without torch
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "ECGFeatureExtractor": "feature_extraction_ecg",
            "ECGTextProcessor": "processing_ecg_text",
            "Output": "outputs",
            "Step": "steps",
            "WaveformBatch": "steps",
            "register_step": "steps",
            "stack_outputs": "outputs",
        },
    )
