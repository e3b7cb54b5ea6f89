"""ECG foundation models behind the Hugging Face API. Importing it registers them with the Auto classes."""

from .auto import AutoModelForECGClassification, public_names, register, register_family
from .models.families import *  # noqa: F403
from .models.shared.family import Family
from .pipelines import register_pipelines
from .pretrained_models import load_pretrained, pretrained, pretrained_names
from .processing import ECGFeatureExtractor, ECGTextProcessor
from .signals import read
from .version import __version__

register()
register_pipelines()

__all__ = [
    "AutoModelForECGClassification",
    "ECGFeatureExtractor",
    "ECGTextProcessor",
    "Family",
    "__version__",
    "load_pretrained",
    "pretrained",
    "pretrained_names",
    "register_family",
    "read",
    *public_names(),
]
