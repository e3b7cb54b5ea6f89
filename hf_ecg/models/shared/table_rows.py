"""Ids that are looked up in a table: of tokens, of leads, of seconds."""

import torch


def check_rows(name: str, ids: torch.Tensor, rows: int, what: str) -> None:
    """Raises ValueError where an id has no row in a table; a compiled graph cannot look."""
    if torch.compiler.is_compiling() or not ids.numel():
        return
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= rows:
        raise ValueError(f"{name} go from {low} to {high}, the model has {what} 0 to {rows - 1}")
