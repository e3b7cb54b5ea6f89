from hf_ecg import (
    OpenECGCodecConfig,
    OpenECGCodecForECGClassification,
    OpenECGCodecForECGDelineation,
    OpenECGCodecForECGSurvival,
    OpenECGCodecModel,
)
from tests.models.published_openecg_codec import original_content
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms


def codec_config(**options):
    sizes = {"num_leads": 12, "num_samples": NUM_SAMPLES, "sampling_rate": 100, "patch_size": 4, "max_tokens": 64}
    sizes |= {"token_kernel_size": 8, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 12}
    layers = {"num_convolution_layers": 1, "num_hidden_layers": 2, "convolution_kernel_size": 3}
    return OpenECGCodecConfig(**sizes | layers | {"hidden_dropout": 0.0, "attention_dropout": 0.0} | options)


CASES = {
    "codec": (OpenECGCodecModel, codec_config, waveforms, "pooler_output"),
    "codec, masked": (OpenECGCodecModel, codec_config, masked, "pooler_output"),
    "codec head": (OpenECGCodecForECGClassification, lambda: codec_config(num_labels=3), waveforms, "logits"),
    "codec survival": (
        OpenECGCodecForECGSurvival,
        lambda: codec_config(survival_breaks=[0, 365, 730.5, 1000]),
        waveforms,
        "logits",
    ),
    "codec delineation": (OpenECGCodecForECGDelineation, codec_config, masked, "rhythm_probabilities"),
}

PUBLISHED = {"codec_v6.pt": original_content}


def narrow(monkeypatch):
    """It is small as it is: the file says the sizes."""
