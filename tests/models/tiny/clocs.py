from hf_ecg import CLOCSConfig, CLOCSForECGClassification, CLOCSForECGSurvival, CLOCSModel
from tests.models.published_clocs import original_state
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms


def clocs_config(**options):
    sizes = {"num_leads": 12, "num_samples": NUM_SAMPLES, "sampling_rate": 100, "widths": [4, 6], "kernel_size": 5}
    return CLOCSConfig(**sizes | {"stride": 2, "hidden_size": 16} | options)


CASES = {
    "clocs": (CLOCSModel, clocs_config, waveforms, "pooler_output"),
    "clocs, masked": (CLOCSModel, clocs_config, masked, "pooler_output"),
    "clocs head": (CLOCSForECGClassification, lambda: clocs_config(num_labels=3), waveforms, "logits"),
    "clocs survival": (
        CLOCSForECGSurvival,
        lambda: clocs_config(survival_breaks=[0, 365, 730.5, 1000]),
        waveforms,
        "logits",
    ),
}

PUBLISHED = {"your_clocs.pth": original_state}


def narrow(monkeypatch):
    """It is small as it is."""
