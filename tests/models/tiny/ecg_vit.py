from hf_ecg import ECGViTConfig, ECGViTForECGClassification, ECGViTModel
from hf_ecg.models.ecg_vit import convert_ecg_vit
from tests.models.published_vit import original_state
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms

SIZES = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24}


def vit_config(**options):
    """Of any length: a record of another one is an error without `interpolate_positions`."""
    sizes = {"num_samples": NUM_SAMPLES, "sampling_rate": 100, "patch_size": 16, "num_hidden_layers": 2} | SIZES
    return ECGViTConfig(**sizes | {"interpolate_positions": True} | options)


CASES = {
    "vit": (ECGViTModel, vit_config, waveforms, "pooler_output"),
    "vit, masked": (ECGViTModel, vit_config, masked, "pooler_output"),
    "vit head": (ECGViTForECGClassification, lambda: vit_config(num_labels=3), waveforms, "logits"),
}

PUBLISHED = {
    "vit_tiny_best_ckpt.pth": original_state,
    "your_merl_vit_small.pth": original_state,
    "your_merl_vit_base.pth": lambda: original_state(prefix=""),
}


def narrow(monkeypatch):
    """Twelve blocks of width 16, of patches as published."""
    variants = {name: SIZES for name in convert_ecg_vit.VARIANTS}
    monkeypatch.setattr(convert_ecg_vit, "VARIANTS", variants)
