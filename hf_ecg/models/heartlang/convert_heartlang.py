"""The published checkpoints of HeartLang (PKUDigitalHealth/HeartLang): pretrained, and fine-tuned by its code."""

from typing import Any

import torch
from transformers import PreTrainedModel
from transformers import initialization as init

from ...processing import ECGFeatureExtractor
from ..heartlang_vqhbr.preparation_heartlang import heartlang_feature_extractor
from ..shared.beat_transformer_names import transformer_name, transformer_tensors
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from .configuration_heartlang import HeartLangConfig
from .modeling_heartlang import HeartLangForECGClassification, HeartLangForPreTraining

# the configuration's defaults
SIZES: dict[str, Any] = {}
BACKBONE = "backbone."
# Of a fine-tuned file.
UNUSED = {
    "backbone.mask_token": "of the pretraining, which fine-tuning keeps in its files and does not use",
    "backbone.lm_head.": "of another number of words than the pretraining's: random numbers that nothing uses",
}


def heartlang_config(source: str = "heartlang") -> HeartLangConfig:
    """With the released arithmetic."""
    return HeartLangConfig(compat_visible_padding=True, compat_codes_without_positions=True, **SIZES)


def convert_heartlang(source: str, checkpoint) -> tuple[PreTrainedModel, ECGFeatureExtractor]:
    """The pretrained model as `HeartLangForPreTraining`, without a vocabulary; a file of the original's fine-tuning,
    whose names begin with `backbone.`, as `HeartLangForECGClassification`.

    Args:
        source: "heartlang".
        checkpoint: path or content of the file, its tensors under `model`.

    Raises:
        ValueError: missing or unknown keys (both lists), another size's tensors, an unsafe file.
    """
    state = transformer_tensors({str(key): value for key, value in unwrap(read_checkpoint(checkpoint)).items()})
    tuned = any(key.startswith(BACKBONE) for key in state)
    config, head = heartlang_config(source), state.get("mlp_head.weight")
    if tuned and isinstance(head, torch.Tensor):
        config.num_labels = len(head)
    model: PreTrainedModel
    with init.no_init_weights():
        model = HeartLangForECGClassification(config) if tuned else HeartLangForPreTraining(config)
    load_renamed(model, state, _tuned_name if tuned else _pretrained_name, UNUSED if tuned else {}, source)
    return model.eval(), heartlang_feature_extractor()


def _pretrained_name(key: str) -> str | None:
    name = transformer_name(key)
    if name is not None:
        return f"encoder.transformer.{name}"
    return {"mask_token": key, "lm_head.weight": "head.weight", "lm_head.bias": "head.bias"}.get(key)


def _tuned_name(key: str) -> str | None:
    if key in ("mlp_head.weight", "mlp_head.bias"):
        return key.replace("mlp_head", "classifier")
    name = transformer_name(key.removeprefix(BACKBONE)) if key.startswith(BACKBONE) else None
    return None if name is None else f"encoder.transformer.{name}"
