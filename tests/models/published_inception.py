"""What the training of Ahus AIM's networks writes, narrow and with random weights, and its arithmetic."""

import torch
from torch.nn import functional as F

SIZES = (9, 19, 39)
PREFIX = "_orig_mod."


def original_state(width=4, leads=8):
    """The state dict, every name behind what `torch.compile` puts there."""
    state, size = {}, 4 * width

    def norm(name, channels):
        for key in ("weight", "bias", "running_mean"):
            state[f"{name}.{key}"] = 0.1 * torch.randn(channels) + (key == "weight")
        state[f"{name}.running_var"] = torch.rand(channels) + 0.5
        state[f"{name}.num_batches_tracked"] = torch.tensor(3)

    def convolution(name, before, after, kernel):
        state[f"{name}.weight"] = torch.randn(after, before, kernel) / (before * kernel) ** 0.5

    for layer, before in ((0, leads), (3, width)):
        convolution(f"down_layers.{layer}", before, width, 5)
        state[f"down_layers.{layer}.bias"] = 0.1 * torch.randn(width)
        norm(f"down_layers.{layer + 1}", width)
    for block in range(6):
        name, before = f"inception_network.blocks.{block}", size if block else width
        convolution(f"{name}.bottleneck", before, width, 1)
        for branch, kernel in enumerate(SIZES):
            convolution(f"{name}.convs.{branch}", width, width, kernel)
        convolution(f"{name}.pool_conv.1", before, width, 1)
        norm(f"{name}.batch_norm", size)
    for group, before in enumerate((width, size)):
        convolution(f"inception_network.shortcuts.{group}.conv", before, size, 1)
        norm(f"inception_network.shortcuts.{group}.batch_norm", size)
    state["inception_network.fc.weight"] = torch.randn(1, size) / size**0.5
    return {PREFIX + key: value for key, value in state.items()}


def original_outputs(state, values):
    """Features (batch, channels) and logit (batch,) of (batch, leads, samples), by plain convolutions."""
    state = {key.removeprefix(PREFIX): value for key, value in state.items()}

    def norm(values, name):
        statistics = [state[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(values, *statistics)

    for layer in (0, 3):
        name = f"down_layers.{layer}"
        values = F.conv1d(values, state[f"{name}.weight"], state[f"{name}.bias"], 2)
        values = F.gelu(norm(values, f"down_layers.{layer + 1}"))
    residual = values
    for block in range(6):
        name = f"inception_network.blocks.{block}"
        narrow = F.conv1d(values, state[f"{name}.bottleneck.weight"])
        branches = [
            F.conv1d(narrow, state[f"{name}.convs.{branch}.weight"], padding=size // 2)
            for branch, size in enumerate(SIZES)
        ]
        branches.append(F.conv1d(F.max_pool1d(values, 3, 1, 1), state[f"{name}.pool_conv.1.weight"]))
        values = F.gelu(norm(torch.cat(branches, dim=1), f"{name}.batch_norm"))
        if block % 3 == 2:
            name = f"inception_network.shortcuts.{block // 3}"
            shortcut = norm(F.conv1d(residual, state[f"{name}.conv.weight"]), f"{name}.batch_norm")
            values = residual = F.gelu(values + shortcut)
    features = values.mean(dim=2)
    return features, (features @ state["inception_network.fc.weight"].T)[:, 0]
