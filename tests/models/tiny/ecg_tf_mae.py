import torch

from hf_ecg import ECGTFMAEConfig, ECGTFMAEForECGClassification, ECGTFMAEForPreTraining, ECGTFMAEModel
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms

SIZES = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "num_filter_layers": 1,
    "decoder_hidden_size": 8,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 12,
    "decoder_num_hidden_layers": 1,
    "num_fine_prototypes": 6,
    "num_coarse_prototypes": 3,
}


def ecg_tf_mae_config(**options):
    return ECGTFMAEConfig(**{"num_samples": NUM_SAMPLES, "sampling_rate": 100, "patch_size": 16} | SIZES | options)


def noisy(rows, generator):
    """Waves that can be foretold, and the noise of the masking: what is drawn anew each time cannot be compared."""
    time = torch.arange(NUM_SAMPLES) + 16 * torch.rand(rows, 12, 1, generator=generator)
    waves = torch.sin(time * 2 * torch.pi / 16) + 0.1 * waveforms(rows, generator)["input_values"]
    return {"input_values": waves, "mask_noise": torch.rand(rows, 10, generator=generator)}


CASES = {
    "ecg_tf_mae": (ECGTFMAEModel, ecg_tf_mae_config, waveforms, "pooler_output"),
    "ecg_tf_mae, masked": (ECGTFMAEModel, lambda: ecg_tf_mae_config(frequency_gate=True), masked, "pooler_output"),
    "ecg_tf_mae head": (
        ECGTFMAEForECGClassification,
        lambda: ecg_tf_mae_config(num_labels=3, num_hidden_layers=1),
        waveforms,
        "logits",
    ),
    "ecg_tf_mae pretraining, masked": (
        ECGTFMAEForPreTraining,
        ecg_tf_mae_config,
        lambda rows, generator: masked(rows, generator) | noisy(rows, generator),
        "prediction",
    ),
}
