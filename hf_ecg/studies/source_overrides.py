"""A recipe's corpus and folds as overrides: the one place that spells these keys."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ..training.recipe import as_override


def source_overrides(
    data: str | Path | None = None,
    config: str | None = None,
    folds: Mapping[str, Sequence[int]] | None = None,
    place: int = 0,
) -> list[str]:
    """Overrides of a recipe.

    Args:
        data, config: prepared corpus and its configuration.
        folds: "train" and "validation".
        place: of the corpus among the recipe's sources.
    """
    values = {"path": None if data is None else str(data), "config": config}
    values |= {f"folds.{split}": list(numbers) for split, numbers in (folds or {}).items()}
    return [as_override(f"data.sources.{place}.{key}", value) for key, value in values.items() if value is not None]
