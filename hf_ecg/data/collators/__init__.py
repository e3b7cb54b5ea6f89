"""From rows to the batch a model's `forward` takes: waveforms, random views, tokens or labels."""

from ..text_ids import text_id
from .labels import ECGClassificationCollator, ECGRegressionCollator
from .lead_reconstruction import ECGLeadReconstructionCollator
from .text_views import ECGTextViewsCollator
from .texts import ECGTextCollator
from .view_pairs import ECGContrastiveCollator
from .waveforms import ECGWaveformCollator

__all__ = [
    "ECGClassificationCollator",
    "ECGContrastiveCollator",
    "ECGLeadReconstructionCollator",
    "ECGRegressionCollator",
    "ECGTextCollator",
    "ECGTextViewsCollator",
    "ECGWaveformCollator",
    "text_id",
]
