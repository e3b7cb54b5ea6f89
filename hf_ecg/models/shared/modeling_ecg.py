"""The base of every encoder, and the classification loss of every head."""

from typing import Any, ClassVar, Self, cast

import torch
from safetensors import SafetensorError
from torch import nn
from torch.nn import functional as F
from transformers import PreTrainedModel
from transformers.configuration_utils import PreTrainedConfig

from ...auto_class import NoSourceCopies
from ...strict_json import naming_the_source
from .configuration_ecg import SMOOTH_L1, TARGET_FIELDS
from .covariates import CovariateLinear
from .forward_names import forward_names, refuse_names
from .one_number import reshape_single_numbers
from .other_shapes import describe_other_shapes
from .pushed_card import write_pushed_card
from .weight_files import refuse_weights


class WholeWeightsMixin(NoSourceCopies):
    """A `from_pretrained` for which absent weights are an error, where transformers hands out random ones."""

    @classmethod
    def from_pretrained(cls, pretrained_model_name_or_path, *args, **kwargs) -> Self:
        """As in transformers, but weights that the checkpoint does not hold raise.

        Only what stands around the encoder (`base_model_prefix`) of a head may be new.

        Raises:
            ValueError: a checkpoint of another model type, as when an encoder is loaded from the folder of an
                `ECGTextModel` (its encoder is in the subfolder `encoder`), one that lacks tensors, or whose tensors
                have other shapes than its configuration; a survival model for a classifier, or the reverse.
            OSError: no such folder or Hub id, or weights that are cut off or damaged, with the file's name.
        """
        source = pretrained_model_name_or_path
        wants_info = kwargs.pop("output_loading_info", False)
        _check_model_type(cls, source, kwargs)
        try:
            model, info = super().from_pretrained(  # type: ignore[misc]
                source, *args, output_loading_info=True, **kwargs
            )
        except SafetensorError as error:
            refuse_weights(source, error)
        except RuntimeError as error:
            if "ignore_mismatched_sizes" not in str(error):
                raise
            load = super().from_pretrained  # type: ignore[misc]
            raise ValueError(describe_other_shapes(load, cast(Any, cls).config_class, source, kwargs)) from error
        if source is not None:
            _check_all_there(model, info["missing_keys"], source)
        return cast(Any, (model, info)) if wants_info else model


class ECGModelBase(WholeWeightsMixin, PreTrainedModel):
    """Base of every model of this package: what training, evaluation and cards may ask of any of them."""

    main_input_name = "input_values"
    input_modalities: tuple[str, ...] = ("time",)  # type: ignore[assignment]  # as transformers' own models say it
    # see hf_ecg.models.shared.roles
    role: ClassVar[str] = "encoder"
    # the encoder's layer that the waveform meets first, such as "stem.convolution"
    input_layer: ClassVar[str | None] = None
    # Losses are means over the batch. transformers.Trainer takes `**kwargs` of a forward for a promise to divide by
    # `num_items_in_batch`, and would multiply gradients by accumulation steps and processes.
    accepts_loss_kwargs = False
    # Attention is what `shared.attention` makes of it, by any of these. A model without any, or around towers that say
    # for themselves what they can do, must not stand in the way of the others.
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True
    _forward_names: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, config, *args, **kwargs):
        super().__init__(config, *args, **kwargs)
        self.register_load_state_dict_pre_hook(reshape_single_numbers)

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # made once: a compiled graph cannot look at signatures
        cls._forward_names = forward_names(cls)

    def __call__(self, *args, **kwargs) -> Any:
        """`forward`; a name that it does not take raises a ValueError, where its `**kwargs` would drop it, and so does
        a batch without a record."""
        unknown = [name for name in kwargs if not self.takes(name)]
        if unknown:
            refuse_names(unknown, self._forward_names, type(self).__name__)
        main = kwargs.get(self.main_input_name, args[0] if args else None)
        # a compiled graph cannot look, and attention ends in torch's own words
        if isinstance(main, torch.Tensor) and main.shape[:1] == (0,) and not torch.compiler.is_compiling():
            raise ValueError(f"{self.main_input_name} has shape {tuple(main.shape)}: a batch without a record")
        return super().__call__(*args, **kwargs)

    def takes(self, name: str) -> bool:
        """Whether `forward` uses a keyword argument of this name, itself or by way of the encoder inside."""
        return name in self._forward_names or self._ecg_tower_takes(name)

    def _ecg_tower_takes(self, name: str) -> bool:
        encoder = self.get_ecg_encoder()
        if encoder is self:
            return False
        return encoder.takes(name) if isinstance(encoder, ECGModelBase) else name in forward_names(encoder)

    @property
    def dummy_inputs(self) -> dict[str, torch.Tensor]:
        """What `forward` takes: two silent records."""
        shape = (2, self.config.num_leads, self.config.num_samples)
        return {self.main_input_name: torch.zeros(shape, device=self.device)}

    def get_ecg_encoder(self) -> PreTrainedModel:
        """The bare ECG encoder; the model itself when it is one."""
        return cast(PreTrainedModel, self.base_model)

    def position_mask(self, sample_mask: torch.Tensor | None) -> torch.Tensor | None:
        """Which positions of an encoder's `last_hidden_state` hold a record, for what pools them otherwise.

        Args:
            sample_mask: bool (batch, samples), as `forward` takes it.

        Returns:
            bool (batch, positions); None when all do.

        Raises:
            ValueError: a family that does not say.
        """
        if sample_mask is None:
            return None
        raise ValueError(f"{type(self).__name__} does not say which of its positions are padding: give no sample_mask")

    def _upload_modified_files(self, working_dir, repo_id, *args, **kwargs):
        """The last thing that transformers does of a push; the card lies in the folder by then."""
        write_pushed_card(working_dir, repo_id, type(self).__name__, self.role, self.config.model_type)
        return super()._upload_modified_files(working_dir, repo_id, *args, **kwargs)

    def begin_training(self, total_steps: int) -> None:
        """Called by the training once before its first step, and before a resumed run's state is filled in: what a
        model must know of the run's length, and what begins anew with a run.

        Args:
            total_steps: of the whole run.
        """

    def after_step(self, step: int) -> None:
        """Called by the training after each step of the optimizer: where momentum teachers and codebooks move.

        Args:
            step: number of the step that was taken, from 0.
        """


class ECGPreTrainedModel(ECGModelBase):
    """Base of ECG encoders and of what stands around one as `encoder`: heads, pretraining models."""

    base_model_prefix = "encoder"
    # An encoder is taken out of its classifier's or survival model's checkpoint, and its layer is not missed there:
    # transformers' report of it would worry who does so. Pretraining heads are named by their encoders.
    _keys_to_ignore_on_load_unexpected = [r"^classifier\."]

    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, CovariateLinear):
            module.init_covariates()

    def get_input_embeddings(self) -> nn.Module:
        """The layer that the waveform meets first: a convolution, or the projection of patches."""
        if self.input_layer is None:
            return super().get_input_embeddings()
        return self.base_model.get_submodule(self.input_layer)

    def set_input_embeddings(self, value: nn.Module) -> None:
        if self.input_layer is None:
            return super().set_input_embeddings(value)
        self.base_model.set_submodule(self.input_layer, value)


class ECGTowerModel(ECGModelBase):
    """Base of models around an ECG tower of any family, `ecg_model`."""

    ecg_model: PreTrainedModel

    def get_ecg_encoder(self) -> PreTrainedModel:
        tower = self.ecg_model
        return tower.get_ecg_encoder() if isinstance(tower, ECGModelBase) else tower

    def get_input_embeddings(self) -> nn.Module:
        return self.ecg_model.get_input_embeddings()

    def set_input_embeddings(self, value: nn.Module) -> None:
        self.ecg_model.set_input_embeddings(value)


def _check_model_type(cls, source, kwargs) -> None:
    if source is None:
        return
    config = kwargs.get("config")
    if config is not None:
        _check_head(cls, source, getattr(config, "architectures", None), kwargs)
        return
    names = ("cache_dir", "revision", "token", "subfolder", "local_files_only")
    options = {key: kwargs[key] for key in names if key in kwargs}
    with naming_the_source(source):
        found, _ = PreTrainedConfig.get_config_dict(source, **options)
        found.get("model_type")
    wanted = cls.config_class.model_type
    if found.get("model_type") not in (None, wanted):
        hint = _ENCODER_INSIDE if "ecg_config" in found else ""
        raise ValueError(
            f"{source} holds a model of type {found['model_type']!r}, {cls.__name__} wants {wanted!r}{hint}"
        )
    _check_head(cls, source, found.get("architectures"), kwargs)


# heads of one form: the layer of one would be taken for that of the other
_HEADS = {"classifier": "ForECGClassification", "survival model": "ForECGSurvival"}


def _check_head(cls, source, architectures, kwargs) -> None:
    saved = (architectures or [""])[0]
    others = [ending for role, ending in _HEADS.items() if role != cls.role]
    if cls.role not in _HEADS or kwargs.get("ignore_mismatched_sizes") or not saved.endswith(tuple(others)):
        return
    raise ValueError(
        f"{source} holds {saved}, whose outputs are not those of {cls.__name__}: load it as what it is, or fine-tune"
        " its encoder with a new head"
    )


_ENCODER_INSIDE = "; a run keeps the bare encoder in the subfolder `encoder`"


def _check_all_there(model, missing, source) -> None:
    prefix, name = f"{model.base_model_prefix}.", type(model).__name__
    is_head = model.base_model is not model
    wanted = [key for key in model.state_dict() if not is_head or key.startswith(prefix)]
    absent = sorted(set(wanted) & set(missing))
    is_encoder = isinstance(model, ECGPreTrainedModel)
    part = f"{name}'s encoder" if is_encoder else name
    if len(absent) == len(wanted):
        raise ValueError(f"{source} holds no tensor of {part}{_ENCODER_INSIDE if is_encoder else ''}")
    if absent:
        raise ValueError(f"{source} lacks {len(absent)} of {len(wanted)} tensors of {part}, such as {absent[:5]}")


def check_inputs(config, input_values: torch.Tensor, lead_mask, sample_mask) -> torch.Tensor:
    """The input with zeros in absent leads, whatever stands there, NaN too.

    Args:
        config: of the encoder.
        input_values: (batch, leads, samples).
        lead_mask: bool (batch, leads), false where a lead is absent.
        sample_mask: bool (batch, samples); see `shared.padding`.

    Raises:
        ValueError: what is not a tensor, another number of leads, or a mask of another shape.
    """
    given = {"input_values": input_values, "lead_mask": lead_mask, "sample_mask": sample_mask}
    for name, value in given.items():
        if not isinstance(value, torch.Tensor) and (value is not None or name == "input_values"):
            raise ValueError(f"{name} is of type {type(value).__name__}, wanted a tensor")
    if input_values.ndim != 3 or input_values.shape[1] != config.num_leads:
        wanted = f"(batch, {config.num_leads}, samples)"
        raise ValueError(f"input_values have shape {tuple(input_values.shape)}, wanted {wanted}")
    if not torch.compiler.is_compiling() and input_values.shape[2] == 0:
        raise ValueError(f"input_values have shape {tuple(input_values.shape)}: records without a sample")
    masks = {"lead_mask": (lead_mask, 1), "sample_mask": (sample_mask, 2)}
    for name, (mask, axis) in masks.items():
        # no len(): exported with any batch, it would fix the size
        shape = (input_values.shape[0], input_values.shape[axis])
        if mask is not None and mask.shape != shape:
            raise ValueError(f"{name} has shape {tuple(mask.shape)}, wanted {shape}")
    return input_values if lead_mask is None else input_values.masked_fill(~lead_mask.bool().unsqueeze(2), 0.0)


def in_target_units(config, outputs: torch.Tensor) -> torch.Tensor:
    """A head's outputs (batch, num_labels) as logits: of a regression with `config.target_scale`, in its own unit."""
    if config.problem_type != "regression" or config.target_scale is None:
        return outputs
    mean, scale = (torch.tensor(v, device=outputs.device) for v in (config.target_mean, config.target_scale))
    return outputs.float() * scale + mean


def classification_loss(config, logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Loss by `config.problem_type`.

    Args:
        config: with `problem_type`; None is guessed from the labels as transformers does: one output is regression,
            integers (batch,) are classes, anything else is multi-label.
        logits: (batch, num_labels), after `in_target_units`.
        labels: multi-label and regression (batch, num_labels), NaN where not annotated; single-label (batch,).

    Raises:
        ValueError: labels of another shape than the problem type wants, multi-label ones outside 0 to 1 (a -1 for
            "not known" would be rewarded without end).

    Returns:
        Scalar, the mean over annotated labels; zero when none is. Of a single-label problem each label counts as
        `config.class_weights` says. Errors of a regression are in units of `target_scale`: squared, or by
        `config.regression_loss="smooth_l1"` half the square up to 1 and the error less a half beyond; labels beyond
        `config.target_limit` are drawn in to it.
    """
    problem = config.problem_type
    if problem is None:
        single = labels.ndim == 1 and not labels.is_floating_point()
        kind = "single_label" if single else "multi_label"
        problem = "regression" if logits.shape[-1] == 1 else f"{kind}_classification"
    if problem == "single_label_classification":
        # a configuration that is not this package's has no such field
        weights = getattr(config, "class_weights", None)
        weight = None if weights is None else torch.tensor(weights, dtype=torch.float32, device=logits.device)
        return F.cross_entropy(logits.float(), labels, weight=weight)
    labels = labels.float()
    if labels.ndim == 1 and logits.shape[-1] == 1:
        labels = labels[:, None]
    if labels.shape != logits.shape:
        raise ValueError(f"labels have shape {tuple(labels.shape)}, {problem} wants {tuple(logits.shape)}")
    annotated = ~labels.isnan()
    target = labels.nan_to_num()
    if problem == "regression":
        losses = _regression_losses(config, logits.float(), target)
    else:
        # a compiled graph cannot look at values
        if not torch.compiler.is_compiling() and not ((target >= 0) & (target <= 1)).all():
            low, high = target.min().item(), target.max().item()
            raise ValueError(f"labels go from {low:g} to {high:g}, {problem} wants 0 to 1, NaN where not annotated")
        losses = F.binary_cross_entropy_with_logits(logits.float(), target, reduction="none")
    return (losses * annotated).sum() / annotated.sum().clamp(min=1)


def _regression_losses(config, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """(batch, num_labels), in units of the scale where there is one."""
    # a configuration that is not this package's has none of the fields
    mean, scale, loss, limit = (getattr(config, name, None) for name in TARGET_FIELDS)
    middle, wide = (None if values is None else torch.tensor(values, device=logits.device) for values in (mean, scale))
    if limit is not None and middle is not None and wide is not None:
        target = middle + (target - middle).clamp(-limit * wide, limit * wide)
    if loss == SMOOTH_L1:
        wide = torch.ones((), device=logits.device) if wide is None else wide
        return F.smooth_l1_loss(logits / wide, target / wide, reduction="none")
    losses = F.mse_loss(logits, target, reduction="none")
    return losses if wide is None else losses / wide.square()
