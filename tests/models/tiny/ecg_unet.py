import torch

from hf_ecg import ECGUNetConfig, ECGUNetForECGClassification, ECGUNetForLeadReconstruction, ECGUNetModel
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms


def unet_config(**options):
    sizes = {"widths": [4, 8, 8], "convolutions_per_level": 1, "kernel_size": 5}
    return ECGUNetConfig(**{"num_samples": NUM_SAMPLES, "sampling_rate": 100} | sizes | options)


def shown(rows, generator):
    """Leads II and V2 of waves that all leads share, so that something can be learnt."""
    time = torch.arange(NUM_SAMPLES) + 16 * torch.rand(rows, 1, 1, generator=generator)
    waves = torch.sin(time * 2 * torch.pi / 16) * torch.arange(1, 13)[:, None] / 12
    leads = torch.zeros(rows, 12, dtype=torch.bool)
    leads[:, [1, 7]] = True
    noise = waveforms(rows, generator)["input_values"]
    return {"input_values": waves + 0.1 * noise, "shown_leads": leads}


CASES = {
    "unet": (ECGUNetModel, unet_config, waveforms, "pooler_output"),
    "unet, masked": (ECGUNetModel, unet_config, masked, "pooler_output"),
    "unet head": (ECGUNetForECGClassification, lambda: unet_config(num_labels=3), waveforms, "logits"),
    "unet reconstruction": (ECGUNetForLeadReconstruction, unet_config, shown, "lead_errors"),
    "unet reconstruction, masked": (
        ECGUNetForLeadReconstruction,
        lambda: unet_config(least_squares=False, record_context=False),
        lambda rows, generator: masked(rows, generator) | shown(rows, generator),
        "lead_errors",
    ),
}
