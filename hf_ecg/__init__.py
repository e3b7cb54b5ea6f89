"""ECG foundation models behind the Hugging Face API. Importing it registers them with the Auto classes.

The import itself is light. torch and the models come with the first name that needs them, or with the first import of
an Auto class, see `late_registration`.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING

from .late_registration import register_when_needed
from .version import __version__ as __version__

if TYPE_CHECKING:  # written twice each: the public names of a typed package
    from . import evaluation as evaluation
    from . import plotting as plotting
    from . import signals as signals
    from .auto import AutoModelForECGClassification as AutoModelForECGClassification
    from .auto import AutoModelForECGDelineation as AutoModelForECGDelineation
    from .auto import AutoModelForECGSurvival as AutoModelForECGSurvival
    from .auto import register_family as register_family
    from .explanation import explain as explain
    from .growing_record import ECGStream as ECGStream
    from .growing_record import stream as stream
    from .models.families import *  # noqa: F403
    from .models.shared.family import Family as Family
    from .pipelines import pipeline as pipeline
    from .pretrained_models import load_pretrained as load_pretrained
    from .pretrained_models import pretrained as pretrained
    from .pretrained_models import pretrained_names as pretrained_names
    from .processing import ECGFeatureExtractor as ECGFeatureExtractor
    from .processing import ECGTextProcessor as ECGTextProcessor
    from .signals import measure as measure
    from .signals import read as read

# name -> module; what the families give is found by `models/families.py`
_MODULES = {
    "AutoModelForECGClassification": "auto",
    "AutoModelForECGDelineation": "auto",
    "AutoModelForECGSurvival": "auto",
    "ECGFeatureExtractor": "processing",
    "ECGStream": "growing_record",
    "ECGTextProcessor": "processing",
    "Family": "models.shared.family",
    "explain": "explanation",
    "load_pretrained": "pretrained_models",
    "measure": "signals",
    "pipeline": "pipelines",
    "pretrained": "pretrained_models",
    "pretrained_names": "pretrained_models",
    "read": "signals",
    "register_family": "auto",
    "stream": "growing_record",
}


def _family_names() -> list[str]:
    return importlib.import_module(f"{__name__}.auto").public_names()


def _find(name: str):
    if name == "__all__":
        return [*_MODULES, "__version__", *_family_names()]
    if name.startswith("_"):
        return None
    if name in _MODULES:
        return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
    if importlib.util.find_spec(f"{__name__}.{name}") is not None:
        return importlib.import_module(f"{__name__}.{name}")
    return getattr(importlib.import_module(f"{__name__}.models.families"), name, None)


if not TYPE_CHECKING:  # or a type checker takes every name for one that exists

    def __getattr__(name: str):
        found = _find(name)
        if found is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found

    def __dir__() -> list[str]:
        return sorted({*globals(), *_MODULES, *_family_names()})


register_when_needed()
