"""Optimisers by name, and their parameter groups."""

from collections.abc import Callable, Iterable

import torch

from ..checks import nearest
from ..extras import install_words
from .recipe_sections import GroupSection, OptimizerSection


def _adamw(groups, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return torch.optim.AdamW(groups, lr=lr, betas=(beta1, beta2), eps=epsilon)


def _adam(groups, lr, beta1=0.9, beta2=0.999, epsilon=1e-8):
    return torch.optim.Adam(groups, lr=lr, betas=(beta1, beta2), eps=epsilon)


def _sgd(groups, lr, momentum=0.9):
    return torch.optim.SGD(groups, lr=lr, momentum=momentum)


def _lars(groups, lr, momentum=0.9):
    return _kept_library().LARS(groups, lr=lr, momentum=momentum)


def _lamb(groups, lr, beta1=0.9, beta2=0.999, epsilon=1e-6):
    # its own clipping is off: `max_grad_norm` is the recipe's
    return _kept_library().Lamb(groups, lr=lr, betas=(beta1, beta2), eps=epsilon, max_grad_norm=0.0)


def _kept_library():
    try:
        import pytorch_optimizer
    except ImportError as error:
        words = install_words("pytorch-optimizer", "optimizers")
        raise ImportError(f"lars and lamb come from pytorch-optimizer: {words}") from error
    return pytorch_optimizer


# name -> what builds it, and which of beta1, beta2, epsilon and momentum it has
OPTIMIZERS: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "adamw": (_adamw, ("beta1", "beta2", "epsilon")),
    "adam": (_adam, ("beta1", "beta2", "epsilon")),
    "sgd": (_sgd, ("momentum",)),
    "lars": (_lars, ("momentum",)),
    "lamb": (_lamb, ("beta1", "beta2", "epsilon")),
}
_OWN = ("beta1", "beta2", "epsilon", "momentum")


def parameter_groups(model: torch.nn.Module, weight_decay: float, groups: Iterable[GroupSection] = ()) -> list[dict]:
    """Split the trainable parameters into decayed and not decayed ones, and by their learning-rate factor.

    Norms, biases, logit scale and logit bias are not decayed: they are exactly the parameters of a norm module, the
    ones called `bias`, and those with fewer than two dimensions. A group's `no_decay` overrules that.

    Args:
        model: the network.
        weight_decay: of the decayed ones.
        groups: parameters or submodules with a factor or decay of their own; the factor is kept as `lr_factor`.

    Raises:
        ValueError: a name that no trainable parameter has, or that two groups have.
    """
    norm_parameters = {
        parameter
        for module in model.modules()
        if "norm" in type(module).__name__.lower()
        for parameter in module.parameters(recurse=False)
    }
    named = _by_name(groups)
    used, split = set(), {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        matching = [key for key in named if name == key or name.startswith(f"{key}.")]
        used.update(matching)
        # the longest name is the most particular one
        group = named[max(matching, key=len)] if matching else GroupSection([name])
        exempt = parameter.ndim < 2 or parameter in norm_parameters or name.rsplit(".", 1)[-1] == "bias"
        if group.no_decay is not None:
            exempt = group.no_decay
        split.setdefault((group.lr_factor, exempt), []).append(parameter)
    if set(named) - used:
        raise ValueError(f"optimizer.groups names {sorted(set(named) - used)}, which no trainable parameter has")
    return [
        {"params": parameters, "weight_decay": 0.0 if exempt else weight_decay, "lr_factor": factor}
        for (factor, exempt), parameters in sorted(split.items(), key=lambda item: item[0])
    ]


def _by_name(groups: Iterable[GroupSection]) -> dict[str, GroupSection]:
    named: dict[str, GroupSection] = {}
    for group in groups:
        for name in group.parameters:
            if name in named:
                raise ValueError(f"optimizer.groups names {name!r} twice")
            named[name] = group
    return named


def build_optimizer(model: torch.nn.Module, section: OptimizerSection) -> torch.optim.Optimizer:
    """The optimiser that a recipe names, over the trainable parameters of `model`.

    Raises:
        ValueError: an unknown name, an option that the optimiser does not have, or nothing is trainable.
        ImportError: the optimiser's package is not installed.
    """
    if section.name not in OPTIMIZERS:
        known = ", ".join(OPTIMIZERS)
        raise ValueError(f"optimizer.name is {section.name!r}{nearest(section.name, OPTIMIZERS)}; known: {known}")
    build, has = OPTIMIZERS[section.name]
    options = {name: getattr(section, name) for name in _OWN if getattr(section, name) is not None}
    foreign = sorted(set(options) - set(has))
    if foreign:
        raise ValueError(f"optimizer.{foreign[0]} is {options[foreign[0]]}, which {section.name} does not have")
    groups = parameter_groups(model, section.weight_decay, section.groups)
    if not groups:
        raise ValueError("the model has no trainable parameter: `freeze` names everything")
    return build(groups, section.lr, **options)
