"""Ahus AIM's networks of the CinC Challenge 2025 (Ahus-AIM/physionet-challenge-2025, src/model/inception.py)."""

import re

import torch

from ...processing import ECGFeatureExtractor
from ..shared.conversion import load_renamed, read_checkpoint, unwrap
from .configuration_ecg_inception import ECGInceptionConfig
from .modeling_ecg_inception import ECGInceptionForECGClassification

# the last eight of the standard twelve
AHUS_LEADS = ("aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# of the stem's layers, those with weights: convolution, norm, GELU, and again
_STEM = {0: "convolution", 1: "norm"}
_LAYERS_OF_A_STEM = 3
_INSIDE = {"bottleneck": "bottleneck", "pool_conv.1": "pooled", "batch_norm": "norm"}
_SHORTCUT = {"conv": "shortcut", "batch_norm": "shortcut_norm"}


def convert_ahus(source: str, checkpoint) -> tuple[ECGInceptionForECGClassification, ECGFeatureExtractor]:
    """A network of one fold, with its head of one logit.

    Args:
        source: "ahus-chagas".
        checkpoint: path or content of a file that the original's training wrote: the state dict, beside that of its
            optimizer.

    Raises:
        ValueError: missing or unknown keys, tensors of another shape, an unsafe file.
    """
    state = unwrap(read_checkpoint(checkpoint))
    config = ahus_config()
    model = ECGInceptionForECGClassification(config)
    # the original's last layer has no bias
    bias = {"fc.bias": torch.zeros(1)} if "fc.bias" not in state else {}
    load_renamed(model, state | bias, lambda key: our_name(key, config.blocks_per_group), {}, source)
    return model.eval(), ahus_feature_extractor()


def our_name(key: str, blocks_per_group: int) -> str | None:
    """The name that a tensor of the original has in `ECGInceptionForECGClassification`; None when it is not one."""
    if key in ("fc.weight", "fc.bias", "inception_network.fc.weight"):
        return f"classifier.{key.rpartition('.')[2]}"
    if match := re.fullmatch(r"down_layers\.(\d+)\.(\w+)", key):
        number, layer = divmod(int(match[1]), _LAYERS_OF_A_STEM)
        return f"encoder.stem.{number}.{_STEM[layer]}.{match[2]}" if layer in _STEM else None
    if match := re.fullmatch(r"inception_network\.shortcuts\.(\d+)\.(conv|batch_norm)\.(\w+)", key):
        return f"encoder.groups.{match[1]}.{_SHORTCUT[match[2]]}.{match[3]}"
    match = re.fullmatch(r"inception_network\.blocks\.(\d+)\.(.+)\.(\w+)", key)
    if match is None:
        return None
    group, block = divmod(int(match[1]), blocks_per_group)
    branch = re.fullmatch(r"convs\.(\d+)", match[2])
    inside = f"branches.{branch[1]}" if branch else _INSIDE.get(match[2])
    return None if inside is None else f"encoder.groups.{group}.blocks.{block}.{inside}.{match[3]}"


def ahus_config() -> ECGInceptionConfig:
    """One logit, of Chagas disease."""
    return ECGInceptionConfig(
        id2label={0: "Chagas disease"},
        label2id={"Chagas disease": 0},
        problem_type="multi_label_classification",
    )


def ahus_feature_extractor() -> ECGFeatureExtractor:
    """Eight leads of the whole record at 400 Hz, each by its own mean and standard deviation (of n - 1)."""
    return ECGFeatureExtractor(
        sampling_rate=400,
        leads=list(AHUS_LEADS),
        num_samples=None,
        steps=[
            {"name": "derive_limb_leads"},
            {"name": "select_leads"},
            {"name": "fill_missing", "method": "linear"},
            {"name": "resample", "method": "polyphase"},
            {"name": "normalise", "method": "zscore", "over": "lead", "epsilon": 0.0, "ddof": 1},
        ],
    )
