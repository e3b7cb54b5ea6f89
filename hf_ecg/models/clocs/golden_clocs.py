"""CLOCS' encoder as a golden case."""

import torch

from ...golden_cases import GoldenCase


def encoder(case: GoldenCase) -> dict:
    """Every block of the first view, and the embedding of both."""
    model, _ = case.convert(case.name)
    found: dict[str, list[torch.Tensor]] = {}
    hooks = [
        block.register_forward_hook(
            lambda _, inputs, output, name=f"block{number}": found.setdefault(name, []).append(output)
        )
        for number, block in enumerate((model.stem, *model.blocks))
    ]
    with torch.no_grad():
        embeddings = [model(view).pooler_output for view in case.inputs["input"].unbind(3)]
    for hook in hooks:
        hook.remove()
    blocks = {name: outputs[0].transpose(1, 2) for name, outputs in found.items()}
    return blocks | {"embedding": torch.stack(embeddings, dim=2)}


GOLDEN = {"clocs": encoder}
