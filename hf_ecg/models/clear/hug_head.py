"""HUG, the hierarchical head of CLEAR-HUG: from leads to groups of leads, to pairs of groups, to all."""

import torch
from torch import nn
from transformers.activations import ACT2FN

# as released: 1 and 2, 2 and 3, 1 and 3
PAIRS = ((0, 1), (1, 2), (0, 2))


class HUGHead(nn.Module):
    """Seven vectors of a record's class tokens: of three groups of leads, of the three pairs of groups, of all.

    Each has a linear layer of its own, whose outputs are averaged over what it unites. As released there is nothing
    between the layers, so that the seven vectors, and any linear layer on their mean, are one affine map of the class
    tokens: the hierarchy then shares weights and does no more than one linear layer could. With `activation` each
    layer is followed by one.

    Args:
        hidden_size: of a class token and of each vector.
        groups: three groups of leads, by their places.
        activation: a name that transformers knows; None as released.
    """

    def __init__(self, hidden_size: int, groups: list[list[int]], activation: str | None = None):
        super().__init__()
        self.groups = [list(group) for group in groups]
        self.of_groups = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in groups)
        self.of_pairs = nn.ModuleList(nn.Linear(hidden_size, hidden_size) for _ in PAIRS)
        self.of_all = nn.Linear(hidden_size, hidden_size)
        self.activation = nn.Identity() if activation is None else ACT2FN[activation]

    def forward(self, class_states: torch.Tensor) -> torch.Tensor:
        """
        Args:
            class_states: (batch, leads, hidden_size), zeros where a lead is absent: it is left out, and a group
                without a lead is left out of its pairs.

        Returns:
            (batch, 7, hidden_size): three groups, three pairs, all; zeros where nothing is there.
        """
        return self._vectors(class_states)[0]

    def pooled(self, class_states: torch.Tensor) -> torch.Tensor:
        """The mean of the vectors that are there, (batch, hidden_size)."""
        vectors, there = self._vectors(class_states)
        return _mean(vectors, there)

    def _vectors(self, class_states: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The seven vectors, and bool (batch, 7), which of them are there."""
        present = class_states.detach().abs().amax(dim=-1) > 0
        of_groups, groups_there = self._level(self.of_groups, class_states, present, self.groups)
        of_pairs, pairs_there = self._level(self.of_pairs, of_groups, groups_there, PAIRS)
        of_all, all_there = self._level([self.of_all], of_pairs, pairs_there, [range(len(PAIRS))])
        return torch.cat([of_groups, of_pairs, of_all], dim=1), torch.cat([groups_there, pairs_there, all_there], 1)

    def _level(self, layers, states: torch.Tensor, there: torch.Tensor, members) -> tuple[torch.Tensor, torch.Tensor]:
        """Of each layer the mean of what it makes of its members that are there."""
        made, some = [], []
        for layer, places in zip(layers, members, strict=True):
            own, own_there = states[:, list(places)], there[:, list(places)]
            made.append(_mean(self.activation(layer(own)), own_there))
            some.append(own_there.any(dim=1))
        return torch.stack(made, dim=1), torch.stack(some, dim=1)


def _mean(states: torch.Tensor, there: torch.Tensor) -> torch.Tensor:
    """(batch, hidden_size) of (batch, members, hidden_size); zeros where no member is there."""
    weights = there.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
