"""Files of saved weights that cannot be read, named: safetensors' own error names none."""

import os
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ...input_files import InputFile, check_is_no_pointer
from .finite_weights import check_tensors


def check_weight_file(path) -> None:
    """Nothing, when the header of a `.safetensors` file can be read and its size is the one that this tells.

    Raises:
        OSError: it is cut off, damaged, or a pointer of Git LFS.
    """
    try:
        with InputFile(path) as file:
            check_is_no_pointer(file)
        with safe_open(path, framework="numpy"):
            pass
    except SafetensorError as error:
        raise OSError(f"{path} is cut off or damaged: {error}") from error
    except ValueError as error:
        raise OSError(str(error)) from error


def check_finite_file(path) -> None:
    """Nothing, when all weights of a `.safetensors` file are numbers; read tensor by tensor.

    Raises:
        OSError: see `check_weight_file`.
        ValueError: NaN or infinite values.
    """
    check_weight_file(path)
    with safe_open(path, framework="pt") as file:
        check_tensors(((name, file.get_tensor(name)) for name in file.keys()), str(path))  # noqa: SIM118


def refuse_weights(source, error: SafetensorError) -> None:
    """Raises OSError for a folder or Hub id whose weights could not be read, with the file where it is known."""
    if os.path.isdir(source):
        for path in sorted(Path(source).glob("*.safetensors")):
            check_weight_file(path)
    raise OSError(f"the weights of {source} are cut off or damaged: {error}") from error
