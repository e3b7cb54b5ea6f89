"""Training objectives: one pure function a file, on local rows, exact over several processes."""

from .distributed import gather_with_gradient, rank, world_size
from .false_negative_mitigation import false_negative_mitigation_loss
from .pair_targets import IDENTICAL_TEXT, TEXT_WEIGHTING
from .sigmoid import sigmoid_contrastive_loss
from .softmax import softmax_contrastive_loss

__all__ = [
    "IDENTICAL_TEXT",
    "TEXT_WEIGHTING",
    "false_negative_mitigation_loss",
    "gather_with_gradient",
    "rank",
    "sigmoid_contrastive_loss",
    "softmax_contrastive_loss",
    "world_size",
]
