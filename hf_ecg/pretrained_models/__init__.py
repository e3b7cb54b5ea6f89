"""Trained models inside the package: the folders beside this file, each as `save_pretrained` leaves a model.

They are small, made by `train/pretrained.py`, and need no network. A folder's card (README.md) says what it was
trained on, by what licence, and how good it is.
"""

from pathlib import Path
from typing import Any

from ..checks import nearest

_FOLDER = Path(__file__).parent
_CONFIG = "config.json"
_READS_ECGS = ("preprocessor_config.json", "processor_config.json")
# recipes' word for a folder inside another package
_IN_PACKAGE = "package:"


def pretrained_names() -> list[str]:
    """The models inside the package, sorted."""
    return sorted(path.parent.name for path in _FOLDER.glob(f"*/{_CONFIG}"))


def pretrained(name: str) -> str:
    """The folder of a model inside the package: what `from_pretrained`, `pipeline(model=...)` and the commands take.

    Args:
        name: such as "ecg-text-small"; see `pretrained_names`.

    Raises:
        ValueError: there is no model of that name; the message has those that there are.

    Example:
        >>> import hf_ecg
        >>> from transformers import AutoModel, AutoProcessor
        >>> folder = hf_ecg.pretrained("ecg-text-small")
        >>> model, processor = AutoModel.from_pretrained(folder), AutoProcessor.from_pretrained(folder)
        >>> inputs = processor(ecg="record.hea", text=["sinus rhythm", "atrial fibrillation"], return_tensors="pt")
        >>> model(**inputs).logits_per_ecg.shape
        torch.Size([1, 2])
    """
    known = pretrained_names()
    if name not in known:
        raise ValueError(
            f"the package holds no model {name!r}{nearest(str(name), known)}, only {', '.join(known) or 'none at all'}"
        )
    return str(_FOLDER / name)


def load_pretrained(name: str) -> tuple[Any, Any]:
    """`(model, processor)` of a model inside the package: float32, in evaluation mode, on the CPU.

    Args:
        name: see `pretrained`.

    Returns:
        A dual encoder with its `ECGTextProcessor`, an encoder with its `ECGFeatureExtractor`, or a text tower with its
        tokenizer.

    Raises:
        ValueError: there is no model of that name.

    Example:
        >>> import hf_ecg
        >>> model, processor = hf_ecg.load_pretrained("ecg-text-small")
        >>> inputs = processor(ecg="record.hea", return_tensors="pt")
        >>> model.get_ecg_features(**inputs).pooler_output.shape
        torch.Size([1, 128])
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    from ..evaluation.loading import load_model

    folder = pretrained(name)
    if any(Path(folder, file).is_file() for file in _READS_ECGS):
        return load_model(folder, torch.device("cpu"))
    return AutoModel.from_pretrained(folder, add_pooling_layer=False).eval(), AutoTokenizer.from_pretrained(folder)


def model_source(name: str) -> str:
    """What `from_pretrained` takes for a model's name: a folder, the name of a model in the package, or a Hub id.

    A folder here counts before a model of the package, where it holds one itself, and both before the Hub.

    Raises:
        OSError: it is empty, written as a path and there is no such folder, or a single word that nothing here is
            called.
    """
    path, known = Path(name).expanduser(), pretrained_names()
    # such as the output folder of a command, which is only named like the model that it read
    without_model = name in known and not (path / _CONFIG).is_file()
    if name and not without_model and (path.is_dir() or name.startswith(_IN_PACKAGE)):
        return str(path)
    if name in known:
        return pretrained(name)
    parts = name.replace("\\", "/").split("/")
    # OWNER/NAME is an id, unless there is a folder OWNER here, in which NAME would have to be
    if len(parts) == 2 and all(parts) and parts[0] not in (".", "..", "~") and not path.parent.is_dir():
        return name
    raise FileNotFoundError(
        f"{name or 'an empty name'} is not a folder here, and not one of the package's models"
        f" ({', '.join(known) or 'none'})"
        f"{nearest(name, known)}; a model on the Hub is named OWNER/NAME"
    )
