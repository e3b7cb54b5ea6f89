"""The step that says where random views act in training."""

from dataclasses import dataclass

from .step_base import Step


@dataclass(frozen=True)
class Views(Step):
    """Nothing at inference. In training the random views of the recipe act here: what stands before is deterministic,
    and can be computed once and kept; what stands behind follows the views.

    Put `crop` and `pad` before it: records of several lengths meet the steps behind it as one batch that is padded to
    the longest, and statistics count that padding.
    """

    may_follow_views = False

    def apply(self, batch):
        pass
