"""ECG foundation models behind the Hugging Face API. Importing it registers them with the Auto classes."""

from .auto import AutoModelForECGClassification, public_names, register, register_family
from .models.families import *  # noqa: F403
from .models.shared.family import Family
from .pipelines import register_pipelines
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
    "register_family",
    "read",
    *public_names(),
]
