"""What stands between an encoder and a contrastive loss, and is thrown away after pretraining."""

from collections.abc import Mapping

from torch import nn

# norm of a hidden layer, by the name that a configuration gives
NORMS: Mapping[str, type[nn.Module]] = {"batch_norm": nn.BatchNorm1d}


def projector(
    input_size: int,
    output_size: int,
    hidden_size: int | None = None,
    norm: str | None = None,
    *,
    layers: int = 2,
    output_norm: str | None = None,
) -> nn.Sequential:
    """One linear layer, or several with GELU between them.

    Args:
        input_size: features of the encoder.
        output_size: of the embeddings.
        hidden_size: of the layers between; None for none.
        norm: of these layers, one of `NORMS`. SimCLR and VICReg have batch statistics there: without them nothing
            keeps a dimension of a small network from dying.
        layers: linear layers with a hidden size, the last one included. SimSiam, MoCo v3, Barlow Twins and VICReg have
            three.
        output_norm: of the embeddings, one of `NORMS`, without scale and shift: of SimSiam and MoCo v3.
    """
    if hidden_size is None:
        hidden: list[nn.Module] = []
        last = input_size
    else:
        hidden, last = [], hidden_size
        for size in [input_size, *[hidden_size] * (layers - 2)]:
            norms = [] if norm is None else [NORMS[norm](hidden_size)]
            # a norm takes a bias away, whose gradient is then rounding alone
            hidden += [nn.Linear(size, hidden_size, bias=norm is None), *norms, nn.GELU()]
    outer = [] if output_norm is None else [NORMS[output_norm](output_size, affine=False)]
    return nn.Sequential(*hidden, nn.Linear(last, output_size, bias=output_norm is None), *outer)
