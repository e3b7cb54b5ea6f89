"""What a saved model is by its configuration, and what it takes in at once: before its weights are read."""

from transformers import AutoModel, PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from .models.shared.roles import ecg_config, model_role
from .processing import ECGFeatureExtractor
from .processing.record_windows import WindowPlan, window_plan
from .processing.steps.requirements import REQUIRE_LENGTH


def saved_class(config: PreTrainedConfig) -> type[PreTrainedModel] | type[AutoModel]:
    """The class of this package that a model was saved from; AutoModel where it is none."""
    from .auto import public_models

    known = public_models()
    return next((known[name] for name in config.architectures or [] if name in known), AutoModel)


def check_head(info: dict, source: str) -> None:
    """Raises ValueError for a classifier whose file lacked weights: a new head's scores are random numbers.

    Args:
        info: what `from_pretrained` tells with `output_loading_info=True`.
        source: of the weights.
    """
    if info["missing_keys"]:
        raise ValueError(
            f"{source} has no trained head: {sorted(info['missing_keys'])} are missing. Is it an encoder?"
            " hf-ecg finetune makes a classifier of it"
        )


def reads_ecgs(config: PreTrainedConfig) -> bool:
    """Whether the bare model of a configuration takes `input_values`; what AutoModel does not know may do so."""
    if type(config) not in AutoModel._model_mapping:
        return True
    found = AutoModel._model_mapping[type(config)]
    classes = found if isinstance(found, tuple) else (found,)
    return any(one.main_input_name == "input_values" or model_role(one) == "dual encoder" for one in classes)


def window_seconds(extractor: ECGFeatureExtractor, model: PreTrainedModel) -> float | None:
    """What a model takes in at once; None when its recipe accepts any length.

    A recipe that takes any length up to a longest one gets windows of what the encoder was made for.
    """
    samples = extractor.num_samples
    if samples is None and any(step.get("maximum") for step in extractor.steps if step["name"] == REQUIRE_LENGTH):
        samples = ecg_config(model.config).num_samples
    return None if samples is None else samples / extractor.sampling_rate


def window_of(window, extractor: ECGFeatureExtractor, model: PreTrainedModel, **options) -> WindowPlan:
    """How a model reads records of any length: where the recipe takes any, windows are what the encoder was made for.

    Args:
        window: see `ECGFeatureExtractor.__call__`.
        options: `stride` and `pooling` of the plan.
    """
    config = ecg_config(model.config)
    samples = getattr(config, "num_samples", None)
    return window_plan(extractor, window, seconds=samples and samples / extractor.sampling_rate, **options)
