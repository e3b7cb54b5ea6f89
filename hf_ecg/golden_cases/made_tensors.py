"""Tensors and inputs that are made of a name and a seed, so that a case stores none of them."""

import zlib
from collections.abc import Mapping

import numpy as np


def made_tensor(name: str, shape, dtype: str, seed: int) -> np.ndarray:
    """One tensor of a checkpoint.

    Integers are zero. `*running_var` lies between 0.5 and 1.5; of one axis or none a `*weight` is 1 and the others 0,
    give or take 0.1; all others are normal, with the variance 1 / (values behind the first axis).
    """
    random, shape = _random(name, seed), tuple(shape)
    if not np.issubdtype(np.dtype(dtype), np.floating):
        return np.zeros(shape, dtype=dtype)
    if name.endswith("running_var"):
        values = random.uniform(0.5, 1.5, size=shape)
    elif len(shape) > 1:
        values = random.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
    else:
        values = 0.1 * random.standard_normal(shape) + (1.0 if name.endswith("weight") else 0.0)
    return np.asarray(values, dtype=dtype)


def made_state_dict(tensors: Mapping[str, Mapping], seed: int) -> dict[str, np.ndarray]:
    """All tensors of a checkpoint: `tensors` is name -> {"shape": [...], "dtype": "float32"}."""
    return {name: made_tensor(name, one["shape"], one["dtype"], seed) for name, one in tensors.items()}


def made_input(name: str, shape, seed: int) -> np.ndarray:
    """float32, normal."""
    return _random(name, seed).standard_normal(tuple(shape)).astype(np.float32)


def _random(name: str, seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])
