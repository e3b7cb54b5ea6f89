"""Views of each record in one pass of an encoder: the rows of all others behind those of the first ones."""

import torch


def further_views(second: torch.Tensor | None) -> int | None:
    """How many further views a record has; 0 for a second view alone, None without any.

    Args:
        second: `second_input_values`, (records, leads, samples) or (records, views, leads, samples).
    """
    if second is None:
        return None
    return second.shape[1] if second.ndim == 4 else 0


def split_views(values: torch.Tensor | None, further: int | None) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """float32 rows of the first views, and those of the other ones behind them; see `further_views`."""
    if values is None or further is None:
        return None if values is None else values.float(), None
    values = values.float()
    # not chunk: what it divides by would fix the number of records in an exported graph
    records = values.shape[0] // (1 + (further or 1))
    other = values[records:]
    return values[:records], other.unflatten(0, (records, further)) if further else other


def joined_views(
    name: str, first: torch.Tensor | None, second: torch.Tensor | None, further: int | None
) -> torch.Tensor | None:
    """One input of all views; None where no view has it.

    Raises:
        ValueError: an input of one view alone, or shapes that do not fit; `name` is that of the first view's.
    """
    if first is None and second is None:
        return None
    shapes = [None if view is None else tuple(view.shape) for view in (first, second)]
    if first is not None and second is not None:
        views = (first.shape[0], further) if further else (first.shape[0],)
        if second.shape == (*views, *first.shape[1:]):
            return torch.cat([first, second.flatten(0, 1) if further else second])
    raise ValueError(
        f"{name} and second_{name} have shapes {shapes[0]} and {shapes[1]}, wanted one shape, or further views behind"
        " the records of the second"
    )
