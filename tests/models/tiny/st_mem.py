import torch

from hf_ecg import STMEMConfig, STMEMForECGClassification, STMEMForPreTraining, STMEMModel
from hf_ecg.models.st_mem import convert_st_mem
from tests.models.published_st_mem import original_state
from tests.models.tiny.inputs import NUM_SAMPLES, masked, waveforms

SIZES = {
    "hidden_size": 16,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "num_hidden_layers": 2,
    "decoder_hidden_size": 8,
    "decoder_num_attention_heads": 2,
    "decoder_intermediate_size": 12,
    "decoder_num_hidden_layers": 1,
}


def st_mem_config(**options):
    return STMEMConfig(**{"num_samples": NUM_SAMPLES, "sampling_rate": 100, "patch_size": 16} | SIZES | options)


def noisy(rows, generator):
    """Waves that can be foretold, and the noise of the masking: what is drawn anew each time cannot be compared."""
    time = torch.arange(NUM_SAMPLES) + 16 * torch.rand(rows, 12, 1, generator=generator)
    waves = torch.sin(time * 2 * torch.pi / 16) + 0.1 * waveforms(rows, generator)["input_values"]
    return {"input_values": waves, "mask_noise": torch.rand(rows, 12, 10, generator=generator)}


CASES = {
    "st_mem": (STMEMModel, st_mem_config, waveforms, "pooler_output"),
    "st_mem, masked": (STMEMModel, st_mem_config, masked, "pooler_output"),
    "st_mem head": (STMEMForECGClassification, lambda: st_mem_config(num_labels=3), waveforms, "logits"),
    "st_mem pretraining": (STMEMForPreTraining, st_mem_config, noisy, "prediction"),
    "st_mem pretraining, masked": (
        STMEMForPreTraining,
        st_mem_config,
        lambda rows, generator: masked(rows, generator) | noisy(rows, generator),
        "prediction",
    ),
}

PUBLISHED = {
    "st_mem_encoder.pth": lambda: {"model": original_state()},
    "your_st_mem_small.pth": lambda: {"model": original_state()},
    "st_mem_full.pth": lambda: {"model": original_state(whole=True)},
}


def narrow(monkeypatch):
    """Widths of 16, decoders as published."""
    tiny = {"hidden_size": 16, "num_attention_heads": 2, "intermediate_size": 24, "num_hidden_layers": 2}
    monkeypatch.setattr(convert_st_mem, "SIZES", {"base": tiny, "small": tiny})
