"""What MERL's and ECG-CLIP's code save, with stages of width 2 and random weights."""

import torch


def original_state(prefix="ecg_encoder."):
    """A trunk as the original stores it, with its unused head, and parts of the dual encoder."""
    state = {prefix + key: value for key, value in trunk_state(12, 10).items()}
    if prefix:
        state |= {"downconv.weight": torch.randn(4, 2, 1), "lm_model.pooler.dense.bias": torch.randn(3)}
    return state


def ecgclip_state(depths=(2, 2, 2, 2)):
    """What ECG-CLIP's training writes: eight leads, a head of 39 intervals, the prefix of data parallelism."""
    return {"state_dict": {f"module.{key}": value for key, value in trunk_state(8, 39, depths).items()}}


def trunk_state(leads, outputs, depths=(2, 2, 2, 2)):
    """The trunk and its linear layer."""
    state = {"conv1.weight": torch.randn(2, leads, 7)}

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
    return state | {"linear.weight": torch.randn(outputs, 2), "linear.bias": torch.randn(outputs)}
