"""What MERL's authors publish, with stages of width 2 and random weights."""

import torch


def original_state(prefix="ecg_encoder."):
    """A trunk as the original stores it, with its unused head, and parts of the dual encoder."""
    depths, state = (2, 2, 2, 2), {"conv1.weight": torch.randn(2, 12, 7)}

    def norm(name):
        for key in ("weight", "bias", "running_mean"):
            state[f"{name}.{key}"] = torch.randn(2)
        state[f"{name}.running_var"] = torch.rand(2) + 0.5
        state[f"{name}.num_batches_tracked"] = torch.tensor(3)

    norm("bn1")
    for layer, depth in enumerate(depths, start=1):
        for block in range(depth):
            for number in (1, 2):
                state[f"layer{layer}.{block}.conv{number}.weight"] = torch.randn(2, 2, 3)
                norm(f"layer{layer}.{block}.bn{number}")
            if layer > 1 and block == 0:
                state[f"layer{layer}.{block}.shortcut.0.weight"] = torch.randn(2, 2, 1)
                norm(f"layer{layer}.{block}.shortcut.1")
    state |= {"linear.weight": torch.randn(10, 2), "linear.bias": torch.randn(10)}
    state = {prefix + key: value for key, value in state.items()}
    if prefix:
        state |= {"downconv.weight": torch.randn(4, 2, 1), "lm_model.pooler.dense.bias": torch.randn(3)}
    return state
