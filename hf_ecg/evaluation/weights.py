"""Which weights a model has: one digest, of a loaded model or of its files."""

import hashlib
import json
import mmap
import struct
from functools import lru_cache
from pathlib import Path

import torch
from torch import nn
from transformers.utils import cached_file

_FILE, _INDEX = "model.safetensors", "model.safetensors.index.json"
# names of types in safetensors files
_TYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.int16: "I16",
    torch.int32: "I32",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}


def tensors_digest(model: nn.Module) -> str:
    """`sha256:` and the digest of every tensor with its name: the same weights in another file have the same one."""
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        tensor = tensor.detach().cpu().contiguous()
        _add(digest, name, _TYPES.get(tensor.dtype, str(tensor.dtype)), tensor.shape)
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return f"sha256:{digest.hexdigest()}"


def weights_digest(folder: str | Path) -> str | None:
    """The same of the weights of a model folder or Hub id, from its files; None where there are none.

    It is that of the model loaded from there, where all its tensors are saved, in the type that they are loaded in.

    Raises:
        ValueError: a file is damaged.
    """
    files = _weight_files(folder)
    if not files:
        return None
    stats = [path.stat() for path in files]
    return _files_digest(tuple((str(path), s.st_size, s.st_mtime_ns) for path, s in zip(files, stats, strict=True)))


def _weight_files(folder: str | Path) -> list[Path]:
    if Path(folder).is_dir():
        return sorted(Path(folder).glob("model*.safetensors"))
    if Path(folder).exists() or str(folder).count("/") != 1:
        return []
    try:
        return [Path(cached_file(str(folder), _FILE))]
    except OSError:
        pass
    try:
        index = json.loads(Path(cached_file(str(folder), _INDEX)).read_bytes())
        return [Path(cached_file(str(folder), name)) for name in sorted(set(index["weight_map"].values()))]
    except OSError:
        return []


@lru_cache(maxsize=64)
def _files_digest(files: tuple[tuple[str, int, int], ...]) -> str:
    """Of files with their sizes and times, so that each is read once."""
    digest, tensors = hashlib.sha256(), {}
    for path, size, _ in files:
        with open(path, "rb") as file:
            try:
                (length,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(length))
            except (struct.error, ValueError, OverflowError, MemoryError) as error:
                raise ValueError(f"{path} is not a whole safetensors file: {error}") from error
        header.pop("__metadata__", None)
        for name, entry in header.items():
            start, stop = (8 + length + offset for offset in entry["data_offsets"])
            if stop > size:
                raise ValueError(f"{path} is cut off: {name} ends at byte {stop} of {size}")
            tensors[name] = (path, entry, start, stop)
    maps = {path: _mapped(path) for path in {path for path, *_ in tensors.values()}}
    for name, (path, entry, start, stop) in sorted(tensors.items()):
        _add(digest, name, entry["dtype"], entry["shape"])
        digest.update(memoryview(maps[path])[start:stop])
    return f"sha256:{digest.hexdigest()}"


def _mapped(path: str) -> mmap.mmap:
    with open(path, "rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _add(digest, name: str, kind: str, shape) -> None:
    digest.update(f"{name} {kind} {tuple(shape)}\n".encode())
