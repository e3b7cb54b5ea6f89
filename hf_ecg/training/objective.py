"""What a step minimises: a method's hook between the model's answer and the backward pass."""

from typing import Any, ClassVar

import torch


class Objective:
    """The model's own loss of a batch.

    A method that minimises something else makes a subclass, and hands it out in `Method.objective`. It is asked on
    every process for the loss of its rows; the mean over processes of the gradients is taken.
    """

    # keys of a batch that are the objective's and not the model's
    inputs: ClassVar[frozenset[str]] = frozenset()

    def __call__(self, model, batch: dict, progress: float) -> torch.Tensor:
        """
        Args:
            model: as it is called in training, wrapped for several processes.
            batch: tensors on the device, `inputs` among them.
            progress: share of the run's steps that are done, from 0.

        Returns:
            Scalar, whose gradient the step follows.
        """
        return model(**batch).loss

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run goes on with."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """The inverse of `state_dict`."""
