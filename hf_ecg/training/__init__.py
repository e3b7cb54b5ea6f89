"""What the scripts in `train/` share: recipes and the loop that runs them."""

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

__all__ = ["Recipe", "StepCallback", "load_recipe", "parse_recipe", "pretrain"]

if TYPE_CHECKING:
    from .loop import pretrain
    from .recipe import Recipe, load_recipe, parse_recipe
    from .step_callback import StepCallback
else:  # a log is read without torch
    _MODULES = {"Recipe": "recipe", "load_recipe": "recipe", "parse_recipe": "recipe", "pretrain": "loop"}
    __getattr__, __dir__ = lazy_names(__name__, _MODULES | {"StepCallback": "step_callback"})
