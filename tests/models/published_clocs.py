"""What CLOCS' training writes, with random weights."""

import torch

WIDTHS = (1, 4, 16, 32)


def original_state(size=128, encoders=1):
    """The state dict of its network: as many encoders as views that do not share one."""
    state = {}
    for encoder in range(encoders):
        for block, (before, width) in enumerate(zip(WIDTHS, WIDTHS[1:], strict=False)):
            convolution, norm = (f"view_modules.{encoder}.{5 * block + layer}" for layer in (0, 1))
            state[f"{convolution}.weight"] = torch.randn(width, before, 7) / (7 * before) ** 0.5
            for name in (f"{convolution}.bias", f"{norm}.weight", f"{norm}.bias", f"{norm}.running_mean"):
                state[name] = 0.1 * torch.randn(width) + name.endswith("weight")
            state[f"{norm}.running_var"] = torch.rand(width) + 0.5
            state[f"{norm}.num_batches_tracked"] = torch.tensor(0)
        state[f"view_linear_modules.{encoder}.weight"] = torch.randn(size, 320) / 320**0.5
        state[f"view_linear_modules.{encoder}.bias"] = 0.1 * torch.randn(size)
    return state


def original_embedding(state, values):
    """The original's arithmetic, written from its description, of (batch, 1, 2500); in evaluation mode."""
    for block in range(3):
        convolution, norm = f"view_modules.0.{5 * block}", f"view_modules.0.{5 * block + 1}"
        values = torch.nn.functional.conv1d(values, state[f"{convolution}.weight"], state[f"{convolution}.bias"], 3)
        statistics = [state[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        values = torch.nn.functional.batch_norm(values, *statistics)
        values = torch.nn.functional.max_pool1d(values.relu(), 2)
    return values.flatten(1) @ state["view_linear_modules.0.weight"].T + state["view_linear_modules.0.bias"]
