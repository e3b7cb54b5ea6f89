"""ECG foundation models behind the Hugging Face API. Importing it registers them with the Auto classes."""

from .auto import AutoModelForECGClassification, register
from .models.ecg_contrastive import ECGContrastiveConfig, ECGContrastiveOutput, ECGForContrastivePreTraining
from .models.ecg_resnet import ECGResNetConfig, ECGResNetForECGClassification, ECGResNetModel
from .models.ecg_resnext import ECGResNeXtConfig, ECGResNeXtForECGClassification, ECGResNeXtModel
from .models.ecg_text import ECGTextConfig, ECGTextModel, ECGTextOutput
from .pipelines import register_pipelines
from .processing import ECGFeatureExtractor, ECGTextProcessor
from .version import __version__

register()
register_pipelines()

__all__ = [
    "AutoModelForECGClassification",
    "ECGContrastiveConfig",
    "ECGContrastiveOutput",
    "ECGFeatureExtractor",
    "ECGForContrastivePreTraining",
    "ECGResNetConfig",
    "ECGResNetForECGClassification",
    "ECGResNetModel",
    "ECGResNeXtConfig",
    "ECGResNeXtForECGClassification",
    "ECGResNeXtModel",
    "ECGTextConfig",
    "ECGTextModel",
    "ECGTextOutput",
    "ECGTextProcessor",
    "__version__",
]
