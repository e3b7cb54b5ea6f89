"""The ResNeXt of CLEF and ECGFounder as their description has it, with padding as separate operations.

Channels before samples, one operation after the other, on the weights of a model of ours: the tests compare numbers
with it, the benchmark time.
"""

import torch
from torch.nn import functional as F


def pooled(model, ecg: torch.Tensor) -> torch.Tensor:
    """(batch, leads, samples) to (batch, hidden_size), by the parameters of an `ECGResNeXtModel`."""
    x = F.silu(same_convolution(ecg, model.stem.convolution))
    for number, stage in enumerate(model.stages):
        for place, block in enumerate(stage.blocks):
            x = residual_block(x, block, first=number == place == 0)
    return x.mean(dim=-1)


def residual_block(x, block, first):
    y = x if first else F.silu(x)
    y = F.conv1d(y, block.project_in.weight[:, :, None], block.project_in.bias)
    y = same_convolution(F.silu(y), block.convolution)
    y = F.conv1d(F.silu(y), block.project_out.weight[:, :, None], block.project_out.bias)
    gate = torch.sigmoid(block.gate.excite(F.silu(block.gate.squeeze(y.mean(dim=-1)))))
    y = y * gate[:, :, None]
    if block.convolution.stride[0] == 2:
        x = F.max_pool1d(F.pad(x, (0, 1)), kernel_size=2)
    added = y.shape[1] - x.shape[1]
    if added:
        x = F.pad(x.transpose(1, 2), (added // 2, added - added // 2)).transpose(1, 2)
    return y + x


def same_convolution(x, layer):
    (size,), (stride,), samples = layer.kernel_size, layer.stride, x.shape[-1]
    padding = max(0, (-(-samples // stride) - 1) * stride + size - samples)
    x = F.pad(x, (padding // 2, padding - padding // 2))
    return F.conv1d(x, layer.weight, layer.bias, stride, groups=layer.groups)
