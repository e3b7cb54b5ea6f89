"""Registration with the Auto classes, and the Auto classes that transformers lacks.

Importing this module registers; `late_registration` says when `import hf_ecg` does it.
"""

import importlib
from collections import OrderedDict
from collections.abc import Mapping
from types import MappingProxyType

from transformers import AutoConfig, AutoFeatureExtractor, AutoModel, AutoModelForPreTraining, AutoProcessor
from transformers.configuration_utils import PreTrainedConfig
from transformers.models.auto.auto_factory import _BaseAutoModelClass, _LazyAutoMapping
from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

from .models import families
from .models.shared.family import Family, Source
from .models.shared.roles import model_role
from .processing import ECGFeatureExtractor


class AutoModelForECGClassification(_BaseAutoModelClass):
    """Auto class of the heads `XForECGClassification`: `from_pretrained` and `from_config` as in transformers.

    Raises:
        ValueError: a model whose family has no such head.
        OSError: neither a folder nor a model on the Hub has this name.

    Example:
        >>> import hf_ecg
        >>> config = hf_ecg.ECGResNetConfig(num_samples=1000, sampling_rate=100, num_labels=5)
        >>> type(hf_ecg.AutoModelForECGClassification.from_config(config)).__name__
        'ECGResNetForECGClassification'
    """

    _model_mapping = _LazyAutoMapping(CONFIG_MAPPING_NAMES, OrderedDict())


class AutoModelForECGSurvival(_BaseAutoModelClass):
    """Auto class of the heads `XForECGSurvival`: `from_pretrained` and `from_config` as in transformers.

    Raises:
        ValueError: a model whose family has no such head.
        OSError: neither a folder nor a model on the Hub has this name.

    Example:
        >>> import hf_ecg
        >>> config = hf_ecg.ECGResNetConfig(num_samples=1000, sampling_rate=100, survival_breaks=[0, 365, 730])
        >>> type(hf_ecg.AutoModelForECGSurvival.from_config(config)).__name__
        'ECGResNetForECGSurvival'
    """

    _model_mapping = _LazyAutoMapping(CONFIG_MAPPING_NAMES, OrderedDict())


class AutoModelForECGDelineation(_BaseAutoModelClass):
    """Auto class of the heads `XForECGDelineation`, which say something of every sample.

    Raises:
        ValueError: a model whose family has no such head.
        OSError: neither a folder nor a model on the Hub has this name.

    Example:
        >>> import hf_ecg
        >>> config = hf_ecg.OpenECGCodecConfig(num_hidden_layers=1)
        >>> type(hf_ecg.AutoModelForECGDelineation.from_config(config)).__name__
        'OpenECGCodecForECGDelineation'
    """

    _model_mapping = _LazyAutoMapping(CONFIG_MAPPING_NAMES, OrderedDict())


# the Auto classes that transformers lacks
OWN_AUTO_CLASSES = (AutoModelForECGClassification, AutoModelForECGSurvival, AutoModelForECGDelineation)

_families: dict[str, Family] = {}
_sources: dict[str, Source] = {}
# By model_type and by name: those of this package, and what others have registered.
FAMILIES: Mapping[str, Family] = MappingProxyType(_families)
SOURCES: Mapping[str, Source] = MappingProxyType(_sources)


def register_family(family: Family) -> None:
    """Make a family of models known to the Auto classes, the converter and the cards.

    Packages of others call it with theirs; twice the same is harmless.

    Raises:
        ValueError: another family has a source of the same name.

    Example:
        >>> import hf_ecg
        >>> from hf_ecg.models.st_mem import FAMILY  # yours comes from your own package
        >>> hf_ecg.register_family(FAMILY)
    """
    config = family.config
    for kind, other in _families.items():
        twice = sorted({source.name for source in other.sources} & {source.name for source in family.sources})
        if twice and kind != config.model_type:
            raise ValueError(f"family {config.model_type!r} has sources {twice}, which family {kind!r} has too")
    AutoConfig.register(config.model_type, config, exist_ok=True)
    AutoModel.register(config, family.model, exist_ok=True)
    AutoFeatureExtractor.register(config, ECGFeatureExtractor, exist_ok=True)
    if family.classifier is not None:
        AutoModelForECGClassification.register(config, family.classifier, exist_ok=True)
    if family.survival is not None:
        AutoModelForECGSurvival.register(config, family.survival, exist_ok=True)
    if family.delineation is not None:
        AutoModelForECGDelineation.register(config, family.delineation, exist_ok=True)
    if family.pretraining is not None:
        AutoModelForPreTraining.register(config, family.pretraining, exist_ok=True)
    if family.processor is not None:
        AutoProcessor.register(config, family.processor, exist_ok=True)
    _families[config.model_type] = family
    _sources.update((source.name, source) for source in family.sources)


def register() -> None:
    """Make every family that `models/families.py` lists known."""
    for value in vars(families).values():
        if isinstance(value, type) and issubclass(value, PreTrainedConfig):
            # a configuration stands in its family's folder
            register_family(importlib.import_module(value.__module__.rpartition(".")[0]).FAMILY)


def public_names() -> list[str]:
    """The names that the families give to the public namespace of hf_ecg."""
    return [name for name in vars(families) if not name.startswith("_")]


def public_models() -> dict[str, type]:
    """Name -> model class of every registered family, and the Auto classes that transformers lacks."""
    classes: dict[str, type] = {model.__name__: model for family in _families.values() for model in family.models}
    return classes | {auto.__name__: auto for auto in OWN_AUTO_CLASSES}


def class_role(name: str) -> str:
    """What users do with a class of this name, see `models.shared.roles.model_role`."""
    found = public_models().get(name)
    return "encoder" if found is None else model_role(found)


def folder_role(folder) -> str:
    """What users do with the model that a folder holds, see `class_role`.

    Raises:
        OSError: the folder holds no model.
    """
    names = AutoConfig.from_pretrained(folder).architectures or [""]
    return class_role(names[0])


register()
