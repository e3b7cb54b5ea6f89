"""What a text tower says of each sentence of a text."""

import torch


def sentence_means(hidden_states: torch.Tensor, sentence_ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean of the token states of each sentence; texts with fewer sentences are padded.

    Args:
        hidden_states: (texts, tokens, hidden_size).
        sentence_ids: int64 (texts, tokens), from 0 in each text; negative where a token belongs to no sentence.

    Returns:
        The means (texts, sentences, hidden_size), zeros where there is no such sentence, and bool (texts, sentences),
        whether there is. There is room for one sentence at least. A text of none has a row of its own all the same:
        row i is always text i.

    Raises:
        ValueError: shapes that do not fit.

    Example:
        >>> import torch
        >>> states = torch.tensor([[[9.0], [1.0], [3.0], [5.0]], [[9.0], [9.0], [9.0], [9.0]]])
        >>> ids = torch.tensor([[-1, 0, 0, 1], [-1, -1, -1, -1]])
        >>> means, mask = sentence_means(states, ids)
        >>> means[..., 0].tolist(), mask.tolist()
        ([[2.0, 5.0], [0.0, 0.0]], [[True, True], [False, False]])
    """
    if hidden_states.ndim != 3 or sentence_ids.shape != hidden_states.shape[:2]:
        raise ValueError(
            f"hidden_states have shape {tuple(hidden_states.shape)}, sentence_ids {tuple(sentence_ids.shape)}, wanted"
            " (texts, tokens, hidden_size) and (texts, tokens)"
        )
    number = max(1, int(sentence_ids.max()) + 1)
    own = sentence_ids[:, None] == torch.arange(number, device=sentence_ids.device)[:, None]
    counts = own.sum(dim=-1)
    sums = own.to(hidden_states.dtype) @ hidden_states
    return sums / counts.clamp(min=1)[..., None], counts > 0
