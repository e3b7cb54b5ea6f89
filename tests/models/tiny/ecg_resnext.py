from hf_ecg import ECGResNeXtConfig, ECGResNeXtForECGClassification, ECGResNeXtModel
from hf_ecg.models.ecg_resnext import convert_ecg_resnext
from tests.models.published_resnext import DEPTHS, WIDTHS, original_state
from tests.models.tiny.inputs import NUM_SAMPLES, waveforms


def resnext_config(**options):
    sizes = {"widths": [8, 8, 16], "depths": [1, 2, 1], "kernel_size": 6, "group_width": 4}
    return ECGResNeXtConfig(**{"num_leads": 12, "num_samples": NUM_SAMPLES, "sampling_rate": 100} | sizes | options)


CASES = {
    "resnext": (ECGResNeXtModel, resnext_config, waveforms, "pooler_output"),
    "resnext, wider inside": (
        ECGResNeXtModel,
        lambda: resnext_config(widths=[8, 16], depths=[2, 1], kernel_size=5, bottleneck_ratio=1.5),
        waveforms,
        "pooler_output",
    ),
    "resnext head": (ECGResNeXtForECGClassification, lambda: resnext_config(num_labels=3), waveforms, "logits"),
}

PUBLISHED = {
    "clef_small.ckpt": lambda: original_state("clef-small"),
    "12_lead_ECGFounder.pth": lambda: original_state("ecgfounder-12lead"),
}


def narrow(monkeypatch):
    tiny = {"widths": WIDTHS, "depths": DEPTHS, "bottleneck_ratio": 1.0, "group_width": 2}
    sizes = {name: {**options, **tiny} for name, options in convert_ecg_resnext.SIZES.items()}
    monkeypatch.setattr(convert_ecg_resnext, "SIZES", sizes)
