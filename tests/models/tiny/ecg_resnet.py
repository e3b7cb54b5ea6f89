from hf_ecg import ECGResNetConfig, ECGResNetForECGClassification, ECGResNetForECGSurvival, ECGResNetModel
from hf_ecg.models.ecg_resnet import convert_ecg_resnet, convert_ecgclip
from tests.models.published_resnet import ecgclip_state, original_state
from tests.models.tiny.inputs import NUM_SAMPLES, waveforms


def resnet_config(**options):
    options = {"widths": [4, 4, 8, 8], "num_samples": NUM_SAMPLES, "sampling_rate": 100} | options
    return ECGResNetConfig(**options)


def small_config():
    """Every field that makes the trunk another one than MERL's."""
    return resnet_config(
        depths=[1, 2],
        widths=[6, 8],
        kernel_sizes=[7, 5],
        strides=[2, 3],
        stem_width=4,
        stem_kernel_size=9,
        stem_stride=3,
        stem_pooling=True,
        final_width=12,
        pooling="mean_max",
    )


CASES = {
    "resnet": (ECGResNetModel, resnet_config, waveforms, "pooler_output"),
    "resnet bottleneck": (
        ECGResNetModel,
        lambda: resnet_config(block_type="bottleneck", depths=[1, 1], widths=[4, 4], stem_pooling=True),
        waveforms,
        "pooler_output",
    ),
    "resnet small": (ECGResNetModel, small_config, waveforms, "pooler_output"),
    "resnet head": (ECGResNetForECGClassification, lambda: resnet_config(num_labels=3), waveforms, "logits"),
    "resnet survival": (
        ECGResNetForECGSurvival,
        lambda: resnet_config(depths=[1, 1], widths=[4, 8], survival_breaks=[0, 365, 730.5, 1000]),
        waveforms,
        "logits",
    ),
}

PUBLISHED = {
    "resnet18.pth": ecgclip_state,
    "resnet34.pth": lambda: ecgclip_state((3, 4, 6, 3)),
    "res18_best_ckpt.pth": original_state,
    "res18_encoder.pth": lambda: original_state(prefix=""),
}


def narrow(monkeypatch):
    variants = {name: {**options, "widths": [2, 2, 2, 2]} for name, options in convert_ecg_resnet.VARIANTS.items()}
    monkeypatch.setattr(convert_ecg_resnet, "VARIANTS", variants)
    for options in convert_ecgclip.ECGCLIP_VARIANTS.values():
        monkeypatch.setitem(options, "widths", [2, 2, 2, 2])
