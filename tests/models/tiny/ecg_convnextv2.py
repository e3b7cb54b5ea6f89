from hf_ecg import (
    ECGConvNeXtV2Config,
    ECGConvNeXtV2ForECGClassification,
    ECGConvNeXtV2ForECGSurvival,
    ECGConvNeXtV2Model,
)
from hf_ecg.models.ecg_convnextv2 import convert_ecg_convnextv2
from tests.models.published_tolerantecg import DEPTHS, WIDTHS, original_state
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms


def ecg_convnextv2_config(**options):
    sizes = {"num_samples": NUM_SAMPLES, "sampling_rate": 100, "depths": [1, 2], "widths": [8, 16]}
    # 0.02 is for wide layers: of so narrow ones nothing would come through
    return ECGConvNeXtV2Config(**sizes | {"initializer_range": 0.3} | options)


CASES = {
    "ecg_convnextv2": (ECGConvNeXtV2Model, ecg_convnextv2_config, waveforms, "pooler_output"),
    "ecg_convnextv2, masked, projected": (
        ECGConvNeXtV2Model,
        lambda: ecg_convnextv2_config(pooled_projection=True),
        masked,
        "pooler_output",
    ),
    "ecg_convnextv2 head": (
        ECGConvNeXtV2ForECGClassification,
        lambda: ecg_convnextv2_config(num_labels=3),
        waveforms,
        "logits",
    ),
    "ecg_convnextv2 survival": (
        ECGConvNeXtV2ForECGSurvival,
        lambda: ecg_convnextv2_config(survival_breaks=[0, 365, 730.5, 1000]),
        waveforms,
        "logits",
    ),
}

PUBLISHED = {"TolerantECG_encoder.pth": lambda: original_state("student_ecg_encoder.")}


def narrow(monkeypatch):
    """Widths of 8 to 16."""
    monkeypatch.setattr(convert_ecg_convnextv2, "SIZES", {"depths": list(DEPTHS), "widths": list(WIDTHS)})
