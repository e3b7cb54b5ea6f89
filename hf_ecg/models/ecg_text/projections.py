"""From the towers into the joint space: which kinds of projection a configuration may choose."""

from collections.abc import Mapping
from typing import cast

import torch
from torch import nn
from torch.nn import functional as F
from transformers.modeling_outputs import BaseModelOutputWithPooling

from ..shared.attention_pooling import ECGAttentionPooling
from ..shared.padding import mean_over_time
from .configuration_ecg_text import ATTENTION, BATCH_NORM, LINEAR, ECGTextConfig


class ECGTextProjection(nn.Module):
    """Into the joint space: one linear layer, or two with GELU between."""

    def __init__(self, config: ECGTextConfig, size: int):
        super().__init__()
        hidden, bias = config.projection_hidden_size, config.projection_bias
        self.hidden = None if hidden is None else nn.Linear(size, hidden, bias=bias)
        self.output = nn.Linear(size if hidden is None else hidden, config.projection_dim, bias=bias)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return self.output(features if self.hidden is None else F.gelu(self.hidden(features)))


def text_projection(config: ECGTextConfig) -> nn.Module:
    """Of the pooled text features, after a norm where the configuration has one."""
    size = config.text_config.hidden_size
    projection = ECGTextProjection(config, size)
    return nn.Sequential(nn.LayerNorm(size), projection) if config.text_projection_norm else projection


class ECGProjection(nn.Module):
    """Base of the ECG tower's projections.

    `view_size` says how wide the features are that two views of an ECG are made of, `reads_positions` whether it reads
    `last_hidden_state`, whose padding it is told then.
    """

    view_size: int
    reads_positions = False

    def forward(
        self, outputs: BaseModelOutputWithPooling, mask: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """
        Args:
            outputs: of the ECG tower.
            mask: bool (batch, positions), which positions of its `last_hidden_state` hold a record; None = all.

        Returns:
            (batch, projection_dim), and what views are made of, (batch, view_size).
        """
        raise NotImplementedError


class PooledProjection(ECGTextProjection, ECGProjection):
    """Of the pooled output: one linear layer, or two with GELU between, after dropout."""

    def __init__(self, config: ECGTextConfig):
        super().__init__(config, config.ecg_config.hidden_size)
        self.view_size = config.ecg_config.hidden_size
        self.dropout = nn.Dropout(config.projection_dropout)

    def forward(self, outputs, mask):
        pooled = outputs.pooler_output
        return super().forward(self.dropout(pooled)), pooled


class BatchNormProjection(ECGProjection):
    """Of the pooled output: two linear layers, each with a batch norm after it, and ReLU between, after dropout."""

    def __init__(self, config: ECGTextConfig):
        super().__init__()
        self.view_size, hidden = config.ecg_config.hidden_size, cast(int, config.projection_hidden_size)
        self.dropout = nn.Dropout(config.projection_dropout)
        # a norm takes a bias away, whose gradient is then rounding alone
        self.hidden = nn.Linear(self.view_size, hidden, bias=False)
        self.hidden_norm = nn.BatchNorm1d(hidden)
        self.output = nn.Linear(hidden, config.projection_dim, bias=False)
        self.output_norm = nn.BatchNorm1d(config.projection_dim)

    def forward(self, outputs, mask):
        pooled = outputs.pooler_output
        hidden = F.relu(self.hidden_norm(self.hidden(self.dropout(pooled))))
        return self.output_norm(self.output(hidden)), pooled


class AttentionProjection(ECGProjection):
    """Of all positions: a linear layer to the joint space, then pooling by attention; views are made of the mean."""

    reads_positions = True

    def __init__(self, config: ECGTextConfig):
        super().__init__()
        self.view_size, ecg = config.projection_dim, config.ecg_config
        self.dropout = nn.Dropout(config.projection_dropout)
        self.reduction = nn.Linear(ecg.hidden_size, config.projection_dim)
        self.pooling = ECGAttentionPooling(
            config,
            config.projection_dim,
            config.attention_projection_heads,
            ecg.num_positions,
            config.interpolate_positions,
        )

    def forward(self, outputs, mask):
        reduced = self.reduction(self.dropout(outputs.last_hidden_state))
        return self.pooling(reduced, mask), mean_over_time(reduced, mask)


ECG_PROJECTIONS: Mapping[str, type[ECGProjection]] = {
    LINEAR: PooledProjection,
    BATCH_NORM: BatchNormProjection,
    ATTENTION: AttentionProjection,
}


def ecg_projection(config: ECGTextConfig) -> ECGProjection:
    """The kind that the configuration's `ecg_projection_type` names."""
    return ECG_PROJECTIONS[config.ecg_projection_type](config)


class ECGViews(nn.Module):
    """Two views of an ECG in its features: a linear layer without bias for each, and dropout."""

    def __init__(self, config: ECGTextConfig, size: int):
        super().__init__()
        self.first = nn.Linear(size, config.projection_dim, bias=False)
        self.second = nn.Linear(size, config.projection_dim, bias=False)
        self.dropout = nn.Dropout(config.view_dropout)

    def forward(self, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.dropout(self.first(features)), self.dropout(self.second(features))
