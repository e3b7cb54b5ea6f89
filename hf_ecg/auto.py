"""Registration with the Auto classes, and the one Auto class that transformers lacks."""

from collections import OrderedDict

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForPreTraining, AutoProcessor
from transformers.models.auto.auto_factory import _BaseAutoModelClass, _LazyAutoMapping
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from .models.ecg_contrastive import ECGContrastiveConfig, ECGForContrastivePreTraining
from .models.ecg_resnet import ECGResNetConfig, ECGResNetForECGClassification, ECGResNetModel
from .models.ecg_resnext import ECGResNeXtConfig, ECGResNeXtForECGClassification, ECGResNeXtModel
from .models.ecg_text import ECGTextConfig, ECGTextModel
from .processing import ECGFeatureExtractor, ECGTextProcessor


class AutoModelForECGClassification(_BaseAutoModelClass):
    """Auto class of the heads `XForECGClassification`."""

    _model_mapping = _LazyAutoMapping(CONFIG_MAPPING_NAMES, OrderedDict())


def register_family(config, model, classifier=None) -> None:
    """Make a family of models known to the Auto classes; those of other packages may call it too.

    Args:
        config: its configuration class; `model_type` is the name in saved folders.
        model: the encoder, what `AutoModel` gives.
        classifier: the head `XForECGClassification`, if there is one.
    """
    AutoConfig.register(config.model_type, config, exist_ok=True)
    AutoModel.register(config, model, exist_ok=True)
    AutoFeatureExtractor.register(config, ECGFeatureExtractor, exist_ok=True)
    if classifier is not None:
        AutoModelForECGClassification.register(config, classifier, exist_ok=True)


def register() -> None:
    """Make every family known to the Auto classes; `import hf_ecg` calls it."""
    register_family(ECGResNetConfig, ECGResNetModel, ECGResNetForECGClassification)
    register_family(ECGResNeXtConfig, ECGResNeXtModel, ECGResNeXtForECGClassification)
    register_family(ECGContrastiveConfig, ECGForContrastivePreTraining)
    register_family(ECGTextConfig, ECGTextModel)
    AutoModelForPreTraining.register(ECGContrastiveConfig, ECGForContrastivePreTraining, exist_ok=True)
    AutoModelForPreTraining.register(ECGTextConfig, ECGTextModel, exist_ok=True)
    AutoProcessor.register(ECGTextConfig, ECGTextProcessor, exist_ok=True)
