import torch

from hf_ecg import ECGFMConfig, ECGFMForECGClassification, ECGFMForPreTraining, ECGFMModel
from tests.models.published_ecg_fm import original_file
from tests.models.tiny.inputs import NUM_SAMPLES, waveforms

SIZES = {
    "convolution_channels": [8, 8],
    "convolution_kernel_sizes": [2, 2],
    "convolution_strides": [2, 2],
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "position_kernel_size": 4,
    "position_groups": 4,
    "feature_dropout": 0.0,
    "hidden_dropout": 0.0,
    "attention_dropout": 0.0,
    "mask_length": 3,
    "num_codebooks": 2,
    "codebook_size": 6,
    "code_dim": 5,
    "projection_dim": 10,
    "num_negatives": 4,
}
# of a frame: two numbers for the mask, the negatives and one for each code
NUMBERS = 2 + 4 + 12


def ecg_fm_config(**options):
    return ECGFMConfig(**{"num_samples": NUM_SAMPLES, "sampling_rate": 100} | SIZES | options)


def masked(rows, generator):
    """With absent leads and padding."""
    leads, samples = torch.ones(rows, 12, dtype=torch.bool), torch.ones(rows, NUM_SAMPLES, dtype=torch.bool)
    leads[0, 3:], samples[-1, 101:] = False, False
    return waveforms(rows, generator) | {"lead_mask": leads, "sample_mask": samples}


def noisy(rows, generator, segments=1):
    """With the random numbers of more frames than there are: what is drawn anew each time cannot be compared."""
    return waveforms(rows, generator) | {"noise": torch.rand(rows, segments, 1100, NUMBERS, generator=generator)}


def segments(rows, generator):
    second = {f"second_{key}": value for key, value in waveforms(rows, generator).items()}
    return noisy(rows, generator, segments=2) | second | {"patient_ids": torch.arange(rows) // 2}


CASES = {
    "ecg_fm": (ECGFMModel, ecg_fm_config, waveforms, "pooler_output"),
    "ecg_fm, masked": (ECGFMModel, ecg_fm_config, masked, "pooler_output"),
    "ecg_fm head": (ECGFMForECGClassification, lambda: ecg_fm_config(num_labels=3), waveforms, "logits"),
    "ecg_fm pretraining": (ECGFMForPreTraining, ecg_fm_config, noisy, "embeds"),
    "ecg_fm pretraining, segments": (ECGFMForPreTraining, ecg_fm_config, segments, "embeds"),
}

PUBLISHED = {
    "mimic_iv_ecg_physionet_pretrained.pt": original_file,
    "mimic_iv_ecg_finetuned.pt": lambda: original_file(finetuned=True),
}


def narrow(monkeypatch):
    """Nothing: the file's own configuration says how narrow it is."""
