"""What the scripts in `train/` share: recipes and the loop that runs them."""

from .loop import pretrain
from .recipe import Recipe, load_recipe, parse_recipe

__all__ = ["Recipe", "load_recipe", "parse_recipe", "pretrain"]
