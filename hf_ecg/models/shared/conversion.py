"""What every converter of published checkpoints needs: reading a file safely, and accounting for every key."""

import codecs
import os
import pickle
import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedModel
from transformers.utils import logging

from ...checks import shown
from ...strict_json import read_json_object

logger = logging.get_logger(__name__)

PICKLES = (".pt", ".pth", ".ckpt", ".bin")
# what names the parts of a model that was saved in several safetensors files
SHARDS = ".safetensors.index.json"
# what data parallelism, `torch.compile` and Lightning put before every name, in any order
_PREFIXES = ("module.", "_orig_mod.", "model.")
# Trainings keep figures such as the best AUROC beside the weights, as scalars of numpy: what those are made of runs no
# code of the file's. numpy has renamed the module of the function that makes them.
_MAKE_SCALAR: Any = np.float64(0).__reduce__()[0]
_NUMPY_SCALARS: list[Callable | tuple[Callable, str]] = [
    *((_MAKE_SCALAR, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    np.dtype,
    *{type(np.dtype(letter)) for letter in "?bhilqBHILQefd"},
    codecs.encode,
]


def read_checkpoint(checkpoint) -> dict:
    """A checkpoint's content, tensors on the CPU.

    Args:
        checkpoint: a path (.safetensors, .pt, .pth, .ckpt, .bin, or the .safetensors.index.json of several), or the
            content itself. Of a tuple the first entry counts; what else there is belongs to an optimizer.

    Raises:
        ValueError: another kind of file, a pickle that needs more than tensors and plain containers, no mapping, an
            index that does not fit the files beside it.
        OSError: the file is not there.
    """
    if _holds_a_mapping(checkpoint):
        return _mapping(checkpoint)
    if not isinstance(checkpoint, (str, os.PathLike)):
        raise ValueError(f"checkpoint is a {type(checkpoint).__name__}, wanted a path or a state dict")
    path = Path(checkpoint)
    if path.is_dir():
        raise ValueError(f"{path} is a folder, wanted the checkpoint in it: a file of weights, or *{SHARDS}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there, wanted a checkpoint")
    if path.name.endswith(SHARDS):
        return _read_shards(path)
    # as transformers numbers them: "fold-1-of-5.pt" is a whole model
    if re.search(r"-\d{5}-of-\d{5}\.\w+$", path.name):
        beside = f"the *{SHARDS} beside it" if path.suffix == ".safetensors" else "one file, or safetensors files"
        raise ValueError(f"{path} is one of several files of a model, wanted {beside}")
    if path.suffix == ".safetensors":
        return _read_safetensors(path)
    if path.suffix not in PICKLES:
        raise ValueError(f"{path} ends in {path.suffix!r}, wanted one of .safetensors, {', '.join(PICKLES)}, {SHARDS}")
    _check_archive(path)
    try:
        with torch.serialization.safe_globals(_NUMPY_SCALARS):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is refused: it is damaged, or it holds Python objects beside tensors, and loading those would run"
            f" code of whoever made the file{_wanted_code(str(error))}. If you trust them, load it yourself and hand"
            " over the mapping instead of the path"
        ) from error
    except Exception as error:  # of a web page or a Git LFS pointer under this name torch raises KeyError, for one
        raise ValueError(
            f"{path} is not a checkpoint that torch can read ({type(error).__name__}: {str(error)[:200]})"
        ) from error
    if not _holds_a_mapping(content):
        raise ValueError(f"{path} holds {type(content).__name__}, wanted a mapping of tensors")
    return _mapping(content)


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from error


def _read_shards(index: Path) -> dict[str, torch.Tensor]:
    """The tensors of all files that an index names, which lie beside it."""
    places = read_json_object(index).get("weight_map")
    if not isinstance(places, Mapping) or not places:
        raise ValueError(f"{index} does not say in which file each tensor is: wanted weight_map")
    if odd := [name for name in places.values() if not _is_name(name)]:
        raise ValueError(f"{index} places a tensor in {shown(odd[0])}: wanted a .safetensors file beside it")
    found: dict[str, torch.Tensor] = {}
    for name in sorted(set(places.values())):
        if not (index.parent / name).is_file():
            raise FileNotFoundError(f"{index.parent / name} is not there, one of the files that {index.name} names")
        found |= _read_safetensors(index.parent / name)
    if odd := sorted(set(places) ^ set(found)):
        raise ValueError(f"{index} and the files that it names differ in {_some(odd)}")
    return found


def _is_name(name) -> bool:
    return isinstance(name, str) and name.endswith(".safetensors") and Path(name).name == name


def _holds_a_mapping(content) -> bool:
    return isinstance(content[0] if isinstance(content, tuple) and content else content, Mapping)


def _mapping(content) -> dict:
    """Of a pair of the model's state and its optimizer's, as trainings under Ray Tune save it, the model's."""
    return dict(content[0] if isinstance(content, tuple) else content)


def _wanted_code(message: str) -> str:
    """What torch refused to load, by its name; its advice to allow all code is not handed on."""
    named = re.search(r"(?:GLOBAL|Unsupported class) ([\w.]+)", message)
    return f" ({named[1]})" if named else ""


def _check_archive(path: Path) -> None:
    """The archive that torch.save writes holds a checksum of every part, which torch.load does not look at: a bit that
    flipped on a disk would be another weight."""
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        raise ValueError(f"{path} is empty")
    if start.lstrip()[:1] == b"<":
        raise ValueError(f"{path} is a web page and not a checkpoint: it begins with {start[:20]!r}")
    if start[:4] != b"PK\3\4":
        return  # the form before torch 1.6: one pickle, which has none
    try:
        with zipfile.ZipFile(path) as archive:
            packed = [part.filename for part in archive.infolist() if part.compress_type != zipfile.ZIP_STORED]
            damaged = None if packed else archive.testzip()
    except (zipfile.BadZipFile, EOFError, NotImplementedError, OSError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is not a checkpoint that torch can read: damaged, or cut off ({error})") from error
    if packed:
        raise ValueError(f"{path} holds compressed parts ({packed[0]}), which torch.save never writes")
    if damaged is not None:
        raise ValueError(
            f"{path} is damaged: {damaged} has another checksum than its archive says (or torch.save was told not to"
            " compute checksums)"
        )


def unwrap(content: Mapping, wrappers: tuple[str, ...] = ("state_dict", "model_state_dict", "model")) -> dict:
    """The state dict inside a training checkpoint, without what a training puts before every name."""
    for wrapper in wrappers:
        if isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    while prefix := next(filter(None, (_before_all(content, prefix) for prefix in _PREFIXES)), None):
        content = {key.removeprefix(prefix): value for key, value in content.items()}
    return dict(content)


def _before_all(names: Mapping, prefix: str) -> str | None:
    return prefix if names and all(str(name).startswith(prefix) for name in names) else None


def shape_of(state: Mapping[str, torch.Tensor], key: str, source: str, axes: int = 2) -> torch.Size:
    """Of a tensor of so many axes, from which sizes are read; raises ValueError where there is none."""
    if getattr(state.get(key), "ndim", None) != axes:
        raise ValueError(f"this is not a checkpoint of {source}: it holds no {key} of {axes} axes")
    return state[key].shape


def count_of(state: Mapping[str, torch.Tensor], pattern: str) -> int:
    """How many numbers stand in names of this pattern."""
    return len({match[1] for key in state if (match := re.match(pattern, key))})


def load_renamed(
    model: PreTrainedModel,
    state: Mapping[str, torch.Tensor],
    rename: Callable[[str], str | None],
    unused: Mapping[str, str],
    source: str,
) -> None:
    """Fill a model from a state dict with other names; every key is used, or known and unused.

    Args:
        model: to fill, in place.
        state: the original's tensors.
        rename: original name -> the model's name, or None when it is not the model's.
        unused: beginnings of original names that the model has no place for -> the reason.
        source: name of the source, for errors.

    Raises:
        ValueError: keys that are missing or unknown (both lists are given), tensors of another shape or with NaN,
            values that are not tensors.
    """
    wanted = model.state_dict()
    found: dict[str, torch.Tensor] = {}
    unknown: list[str] = []
    left_out: dict[str, int] = {}
    for key, value in state.items():
        if not isinstance(value, torch.Tensor):
            raise ValueError(f"{key} is {type(value).__name__}, wanted a tensor: this is not a checkpoint of {source}")
        name = rename(key)
        if name in wanted:
            found[name] = value
            continue
        beginning = next((beginning for beginning in unused if key.startswith(beginning)), None)
        if beginning is None:
            unknown.append(key)
        else:
            left_out[beginning] = left_out.get(beginning, 0) + 1
    missing = sorted(set(wanted) - set(found))
    if missing or unknown:
        raise ValueError(
            f"this is not a checkpoint of {source}: {len(missing)} keys are missing ({_some(missing)}) and"
            f" {len(unknown)} are unknown ({_some(sorted(unknown))})"
        )
    shapes = [
        f"{name} {tuple(found[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in sorted(wanted)
        if found[name].shape != wanted[name].shape
    ]
    if shapes:
        raise ValueError(
            f"this is not a checkpoint of {source}: {len(shapes)} of its {len(wanted)} tensors have another shape"
            f" ({_some(shapes, 3)})"
        )
    broken = sorted(
        name
        for name, value in found.items()
        if wanted[name].is_floating_point() and not (value.is_floating_point() and value.isfinite().all())
    )
    if broken:
        raise ValueError(
            f"this is not a checkpoint of {source}: numbers that are not finite floats in {_some(broken)}"
        )
    for beginning, number in left_out.items():
        logger.info("%d tensors %s* are not used: %s", number, beginning, unused[beginning])
    model.load_state_dict(found)


def _some(names: list[str], number: int = 12) -> str:
    more = f", and {len(names) - number} more" if len(names) > number else ""
    return ", ".join(names[:number]) + more if names else "none"
