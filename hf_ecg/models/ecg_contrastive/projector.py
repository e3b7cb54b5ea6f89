"""What stands between an encoder and a contrastive loss, and is thrown away after pretraining."""

from collections.abc import Mapping

from torch import nn

# norm of a hidden layer, by the name that a configuration gives
NORMS: Mapping[str, type[nn.Module]] = {"batch_norm": nn.BatchNorm1d}


def projector(
    input_size: int, output_size: int, hidden_size: int | None = None, norm: str | None = None
) -> nn.Sequential:
    """One linear layer, or two with GELU between them.

    Args:
        input_size: features of the encoder.
        output_size: of the embeddings.
        hidden_size: of the layer between; None for none.
        norm: of that layer, one of `NORMS`. SimCLR and VICReg have batch statistics there: without them nothing keeps
            a dimension of a small network from dying.
    """
    if hidden_size is None:
        return nn.Sequential(nn.Linear(input_size, output_size))
    norms = [] if norm is None else [NORMS[norm](hidden_size)]
    # a norm takes a bias away, whose gradient is then rounding alone
    first = nn.Linear(input_size, hidden_size, bias=norm is None)
    return nn.Sequential(first, *norms, nn.GELU(), nn.Linear(hidden_size, output_size))
