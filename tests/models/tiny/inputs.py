"""Inputs for tiny models, and a text tower's configuration."""

import torch
from transformers import BertConfig

NUM_SAMPLES = 160


def bert_config():
    return BertConfig(
        vocab_size=60,
        hidden_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def waveforms(rows, generator):
    return {"input_values": torch.randn(rows, 12, NUM_SAMPLES, generator=generator)}


def pairs(rows, generator):
    tokens = torch.randint(1, 60, (rows, 9), generator=generator)
    return waveforms(rows, generator) | {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


def views(rows, generator):
    second = {f"second_{key}": value for key, value in waveforms(rows, generator).items()}
    return waveforms(rows, generator) | second | {"risk": torch.rand(rows, generator=generator)}


def masked(rows, generator):
    """With absent leads and padding."""
    leads, samples = torch.ones(rows, 12, dtype=torch.bool), torch.ones(rows, NUM_SAMPLES, dtype=torch.bool)
    leads[0, 3:], samples[-1, 100:] = False, False
    return waveforms(rows, generator) | {"lead_mask": leads, "sample_mask": samples}
