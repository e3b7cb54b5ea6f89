"""Model, feature extractor and tokenizer of a pipeline: found, checked, or refused in one sentence.

`transformers.pipeline` packs what goes wrong while it loads a model into a report of tracebacks, then tries other
classes, and asks for a tokenizer before anybody has looked at the model. So what is wrong is handed on, as
[`Unusable`], to the pipeline, which raises it; and the parts beside the model are loaded by the pipeline too.
"""

import os
from dataclasses import dataclass
from os import PathLike
from typing import Any

from transformers import (
    AutoConfig,
    AutoFeatureExtractor,
    AutoModel,
    AutoModelForPreTraining,
    AutoProcessor,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.configuration_utils import PreTrainedConfig

from .auto import AutoModelForECGClassification, folder_role, public_models
from .models.shared.roles import ROLE_WORDS, model_role
from .models.shared.task_names import CLASSES, FEATURES, RECONSTRUCTION, TASK_OF_ROLE, ZERO_SHOT
from .pretrained_models import model_source
from .processing import ECGFeatureExtractor, ECGTextProcessor
from .saved_models import check_head, reads_ecgs, saved_class

# task -> the roles that it takes, and what it wants in words
_WANTED = {
    FEATURES: (tuple(ROLE_WORDS), "an ECG model of hf_ecg"),
    CLASSES: (("classifier",), "a classifier such as ECGResNetForECGClassification"),
    ZERO_SHOT: (("dual encoder",), "a dual encoder of ECGs and texts such as ECGTextModel"),
    RECONSTRUCTION: (("lead reconstruction",), "a model that completes leads such as ECGUNetForLeadReconstruction"),
}
# tasks that no model of the package is for
WITHOUT_DEFAULT = {
    CLASSES: "a classifier such as `hf-ecg finetune` makes",
    RECONSTRUCTION: "a model such as `hf-ecg pretrain --config ecg_unet_ptb_xl` makes",
}
_HUB_OPTIONS = ("cache_dir", "code_revision", "local_files_only", "revision", "token", "trust_remote_code")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json")
_SOURCE = "loaded_for_a_pipeline"


@dataclass(frozen=True)
class Unusable:
    """Stands for a model that the pipeline is to refuse.

    Args:
        error: what it raises.
    """

    error: Exception


def usable_model(task: str, model: PreTrainedModel | Unusable) -> PreTrainedModel:
    """The model of a pipeline.

    Raises:
        ValueError: the task cannot use it. Classes of others are taken for what they read: `input_values` are believed
            to be ECGs.
        OSError: its files could not be read.
    """
    if isinstance(model, Unusable):
        raise model.error
    if not isinstance(model, PreTrainedModel):
        raise ValueError(f"{task} wants a model, its folder or its Hub id, found {type(model).__name__}")
    role = model_role(model)
    if role != "other" or task == ZERO_SHOT or model.main_input_name != "input_values":
        _check_role(task, role, type(model).__name__, model.name_or_path)
    return model


def usable_extractor(task: str, given, model: PreTrainedModel) -> ECGFeatureExtractor:
    """The feature extractor that was given, by name or itself, or the one beside the model."""
    found = _part(AutoFeatureExtractor, "feature_extractor", given, model)
    if not isinstance(found, ECGFeatureExtractor):
        raise ValueError(f"{task} wants an ECGFeatureExtractor beside the model, found {type(found).__name__}")
    return found


def usable_tokenizer(given, model: PreTrainedModel) -> Any:
    """The same of the tokenizer."""
    source = getattr(model, _SOURCE, (None,))[0] if given is None else None
    if source is not None and os.path.isdir(source):
        if not any(os.path.isfile(os.path.join(source, name)) for name in _TOKENIZER_FILES):
            raise OSError(f"{source} holds no tokenizer, which texts want: save the model's processor there too")
    found = _part(AutoTokenizer, "tokenizer", given, model)
    if not isinstance(found, PreTrainedTokenizerBase):
        raise ValueError(f"texts want a tokenizer, found {type(found).__name__}")
    return found


def parts_of_processor(given) -> dict[str, Any]:
    """`feature_extractor` and `tokenizer` of a processor, or of its folder or Hub id.

    Raises:
        ValueError: something else.
    """
    if given is None:
        return {}
    found = AutoProcessor.from_pretrained(given) if isinstance(given, (str, PathLike)) else given
    if isinstance(found, ECGFeatureExtractor):
        return {"feature_extractor": found}
    if not isinstance(found, ECGTextProcessor):
        raise ValueError(f"processor is {type(found).__name__}, wanted an ECGTextProcessor")
    return {"feature_extractor": found.feature_extractor, "tokenizer": found.tokenizer}


def task_of(model) -> str:
    """The task that a model was made for.

    Args:
        model: loaded, or a folder, a packaged name, a Hub id.

    Raises:
        ValueError: no model, or one that no task is for.
        OSError: it is not there.
    """
    if model is None:
        tasks = f"{FEATURES}, {CLASSES}, {ZERO_SHOT} or {RECONSTRUCTION}"
        raise ValueError(f"wanted a task ({tasks}), or model=, whose task is taken")
    loaded = not isinstance(model, (str, PathLike))
    role = model_role(model) if loaded else folder_role(model_source(str(model)))
    if role not in TASK_OF_ROLE:
        raise ValueError(f"{type(model).__name__ if loaded else model} is not a model that a pipeline of ECGs takes")
    return TASK_OF_ROLE[role]


def origin_of(model: PreTrainedModel) -> tuple[str, str | None]:
    """Folder or Hub id that a model was loaded from, and the revision."""
    source, options = getattr(model, _SOURCE, (model.name_or_path, {}))
    return str(source), options.get("revision")


def loaded_from(model: PreTrainedModel) -> bool:
    """Whether a pipeline itself loaded the model, so that its weights are those of the files."""
    return hasattr(model, _SOURCE)


def _part(auto: Any, name: str, given, model: PreTrainedModel):
    """`given`, loaded when it is a folder or id, or (folder or id, options); else what lies beside the model."""
    if given is None:
        source, options = getattr(model, _SOURCE, (None, {}))
        if source is None:
            raise ValueError(f"a pipeline of a model that is loaded already wants {name}= too")
        return auto.from_pretrained(source, **options)
    if isinstance(given, tuple):
        return auto.from_pretrained(given[0], **given[1])
    return auto.from_pretrained(given) if isinstance(given, str) else given


def _check_role(task: str, role: str, name: str, source: str) -> None:
    roles, wanted = _WANTED[task]
    if role in roles:
        return
    kind, instead = ROLE_WORDS.get(role, ("", ""))
    found = f"{name}, {kind}" if kind else name
    raise ValueError(
        f"{task} wants {wanted}, {source or 'the model'} is {found}" + (f"; {instead}" if instead else "")
    )


def _check_configuration(task: str, source, options: dict) -> None:
    """The role of a folder or Hub id by the class that it was saved from, before its weights are read."""
    config = options.get("config")
    if not isinstance(config, PreTrainedConfig):
        config = AutoConfig.from_pretrained(source, **_hub_options(options))
    known = public_models()
    for name in config.architectures or []:
        if name in known:
            _check_role(task, model_role(known[name]), name, str(source))
        elif (
            task in (ZERO_SHOT, RECONSTRUCTION)
            or (task == FEATURES and not reads_ecgs(config))
            or (task == CLASSES and type(config) not in AutoModelForECGClassification._model_mapping)
        ):
            _check_role(task, "other", name, str(source))


def _hub_options(options: dict) -> dict:
    return {key: options[key] for key in _HUB_OPTIONS if options.get(key) is not None}


def _loaded(task: str, load, source, args, options) -> Any:
    try:
        _check_configuration(task, source, options)
        model = load(source, *args, **options)
        usable_model(task, model)
    except (OSError, ValueError) as error:
        return Unusable(error)
    setattr(model, _SOURCE, (source, _hub_options(options)))
    return model


def _whole(source, *args, **options):
    config = options.get("config")
    if not isinstance(config, PreTrainedConfig):
        config = AutoConfig.from_pretrained(source, **_hub_options(options))
    model_class = saved_class(config)
    if model_class is not AutoModel:
        options.pop("code_revision", None)  # only Auto classes take it
    return model_class.from_pretrained(source, *args, **options)


class ECGModel(AutoModel):
    """What "ecg-feature-extraction" loads."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        return _loaded(FEATURES, _whole, pretrained_model_name_or_path, args, kwargs)


class DualEncoder(AutoModel):
    """What "zero-shot-ecg-classification" loads."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        return _loaded(ZERO_SHOT, super().from_pretrained, pretrained_model_name_or_path, args, kwargs)


class TrainedClassifier(AutoModelForECGClassification):
    """What "ecg-classification" loads: weights with their head, for a new head's scores are random numbers."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        return _loaded(CLASSES, cls._with_its_head, pretrained_model_name_or_path, args, kwargs)

    @classmethod
    def _with_its_head(cls, source, *args, **kwargs):
        model, info = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        check_head(info, source)
        return model


class Reconstructor(AutoModelForPreTraining):
    """What "ecg-lead-reconstruction" loads."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs):
        return _loaded(RECONSTRUCTION, super().from_pretrained, pretrained_model_name_or_path, args, kwargs)
