"""What the authors of CLEF and ECGFounder publish, with few and narrow stages and random weights."""

import torch

WIDTHS, DEPTHS = [4, 8], [1, 2]


def original_state(source):
    """An encoder as the originals store it, BatchNorm and all."""
    leads, state = 12 if source == "ecgfounder-12lead" else 1, {}

    def layer(name, *shape):
        state[f"{name}.weight"], state[f"{name}.bias"] = torch.randn(*shape) / 4, torch.randn(shape[0])

    def batch_norm(name, channels):
        layer(name, channels)
        state[f"{name}.running_mean"], state[f"{name}.running_var"] = torch.randn(channels), torch.rand(channels) + 1
        state[f"{name}.num_batches_tracked"] = torch.tensor(7)

    layer("first_conv.conv", WIDTHS[0], leads, 16)
    batch_norm("first_bn", WIDTHS[0])
    before = WIDTHS[0]
    for stage, (width, depth) in enumerate(zip(WIDTHS, DEPTHS, strict=True)):
        for number in range(depth):
            block = f"stage_list.{stage}.block_list.{number}"
            layer(f"{block}.conv1.conv", width, before, 1)
            layer(f"{block}.conv2.conv", width, 2, 16)
            layer(f"{block}.conv3.conv", width, width, 1)
            layer(f"{block}.se_fc1", width // 2, width)
            layer(f"{block}.se_fc2", width, width // 2)
            for place, channels in enumerate((before, width, width), start=1):
                batch_norm(f"{block}.bn{place}", channels)
            before = width
    if source.startswith("clef"):
        return {f"backbone.{key}": value for key, value in state.items()}
    layer("dense", 150, before)
    return state
