"""FSDP2: parameters, gradients and optimiser states shared out over the processes, and put together again."""

import contextlib
from collections.abc import Iterator

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def shard_model(model: nn.Module, device: torch.device, block_names: list[str]) -> list[nn.Parameter]:
    """Share a model's parameters out, in place.

    Args:
        model: on its device.
        device: of the run.
        block_names: class names of the blocks that are gathered one at a time, as transformers' `_no_split_modules`.

    Returns:
        Parameters that every process keeps whole, since FSDP2 takes no scalars: their gradients have to be averaged.
    """
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    kept = {parameter for parameter in model.parameters() if parameter.ndim == 0}
    policy = MixedPrecisionPolicy()
    for module in model.modules():
        if type(module).__name__ in block_names:
            fully_shard(module, mesh=mesh, mp_policy=policy, ignored_params=kept)
    fully_shard(model, mesh=mesh, mp_policy=policy, ignored_params=kept)
    return [parameter for parameter in kept if parameter.requires_grad]


def average_gradients(parameters: list[nn.Parameter]) -> None:
    """Mean over processes of the gradients of parameters that nothing else synchronises, in place."""
    for parameter in parameters:
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def whole_tensor(tensor: torch.Tensor) -> torch.Tensor:
    """All of a tensor, its shards gathered from every process; the tensor itself when it has none."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def fill_tensor(target: torch.Tensor, whole: torch.Tensor) -> None:
    """Copy all of a tensor into one that may be shared out over the processes."""
    if isinstance(target, DTensor):
        whole = distribute_tensor(whole.to(target.device), target.device_mesh, target.placements)
    target.copy_(whole)


def whole_state(model: nn.Module) -> dict[str, torch.Tensor]:
    """`state_dict` with whole tensors; every process has to call it."""
    return {name: whole_tensor(value).detach() for name, value in model.state_dict().items()}


@torch.no_grad()
def fill_state(model: nn.Module, state: dict[str, torch.Tensor]) -> None:
    """Copy whole tensors into the model's own, shared out or not."""
    own = model.state_dict()
    for name, value in state.items():
        fill_tensor(own[name], value)


def whole_optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict:
    """The state of an optimiser of a shared-out model, by parameter name; complete on the first process alone."""
    return get_optimizer_state_dict(model, optimizer, options=_WHOLE)


def fill_optimizer_state(model: nn.Module, optimizer: torch.optim.Optimizer, state: dict) -> None:
    """The inverse of `whole_optimizer_state`; every process has to call it with the whole state."""
    set_optimizer_state_dict(model, optimizer, state, options=StateDictOptions(full_state_dict=True))


@contextlib.contextmanager
def gathered(model: nn.Module) -> Iterator[None]:
    """Inside the block every process holds the whole model and may use it alone; every process has to enter and leave.

    BatchNorm's statistics are those of the first process, as in DistributedDataParallel.
    """
    parts = [module for module in model.modules() if isinstance(module, FSDPModule)]
    for buffer in model.buffers():
        dist.broadcast(buffer, 0)
    for part in parts:
        part.set_reshard_after_forward(False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            part.set_reshard_after_forward(True)
