from hf_ecg import ECGResNeXtConfig, ECGResNeXtForECGClassification, ECGResNeXtModel
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
