"""Tiny models of every family and inputs for them: a new family adds a line to `CASES`."""

import torch
from transformers import BertConfig

from hf_ecg import (
    ECGContrastiveConfig,
    ECGForContrastivePreTraining,
    ECGResNetConfig,
    ECGResNetForECGClassification,
    ECGResNetModel,
    ECGResNeXtConfig,
    ECGResNeXtForECGClassification,
    ECGResNeXtModel,
    ECGTextConfig,
    ECGTextModel,
)

NUM_SAMPLES = 160


def resnet_config(**options):
    options = {"widths": [4, 4, 8, 8], "num_samples": NUM_SAMPLES, "sampling_rate": 100} | options
    return ECGResNetConfig(**options)


def resnext_config(**options):
    sizes = {"widths": [8, 8, 16], "depths": [1, 2, 1], "kernel_size": 6, "group_width": 4}
    return ECGResNeXtConfig(**{"num_leads": 12, "num_samples": NUM_SAMPLES, "sampling_rate": 100} | sizes | options)


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


def text_config(**options):
    options = {"ecg_config": resnet_config(), "text_config": bert_config(), "projection_dim": 16} | options
    return ECGTextConfig(**options)


def contrastive_config(**options):
    return ECGContrastiveConfig(**{"ecg_config": resnext_config()} | options)


def waveforms(rows, generator):
    return {"input_values": torch.randn(rows, 12, NUM_SAMPLES, generator=generator)}


def pairs(rows, generator):
    tokens = torch.randint(1, 60, (rows, 9), generator=generator)
    return waveforms(rows, generator) | {"input_ids": tokens, "attention_mask": torch.ones_like(tokens)}


def views(rows, generator):
    second = {f"second_{key}": value for key, value in waveforms(rows, generator).items()}
    return waveforms(rows, generator) | second | {"risk": torch.rand(rows, generator=generator)}


# name -> (class, configuration, inputs, the output that the checks compare)
CASES = {
    "resnet": (ECGResNetModel, resnet_config, waveforms, "pooler_output"),
    "resnet bottleneck": (
        ECGResNetModel,
        lambda: resnet_config(block_type="bottleneck", depths=[1, 1], widths=[4, 4], stem_pooling=True),
        waveforms,
        "pooler_output",
    ),
    "resnet head": (ECGResNetForECGClassification, lambda: resnet_config(num_labels=3), waveforms, "logits"),
    "resnext": (ECGResNeXtModel, resnext_config, waveforms, "pooler_output"),
    "resnext, wider inside": (
        ECGResNeXtModel,
        lambda: resnext_config(widths=[8, 16], depths=[2, 1], kernel_size=5, bottleneck_ratio=1.5),
        waveforms,
        "pooler_output",
    ),
    "resnext head": (ECGResNeXtForECGClassification, lambda: resnext_config(num_labels=3), waveforms, "logits"),
    "contrastive": (ECGForContrastivePreTraining, contrastive_config, views, "embeds"),
    "contrastive, projected": (
        ECGForContrastivePreTraining,
        lambda: contrastive_config(loss_type="info_nce", projection_dim=16, projection_hidden_size=20),
        views,
        "second_embeds",
    ),
    "ecg text": (ECGTextModel, text_config, pairs, "ecg_embeds"),
    "ecg text, standardised": (
        ECGTextModel,
        lambda: text_config(standardise_text=True, text_whitening=0.7, projection_hidden_size=20, text_pooling="mean"),
        pairs,
        "text_embeds",
    ),
}
