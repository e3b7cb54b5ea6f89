"""Trained models inside the package: the folders beside this file, each as `save_pretrained` leaves a model.

They are small, made by `train/pretrained.py`, and need no network. A folder's card (README.md) says what it was
trained on, by what licence, and how good it is.
"""

from pathlib import Path
from typing import Any

from ..checks import nearest
from ..named_sources import check_on_hub, may_be_on_hub, nearest_name, what_is_in

_FOLDER = Path(__file__).parent
_CONFIG = "config.json"
# what a folder of weights beside another model has in its place
_ADAPTER = "adapter_config.json"
_READS_ECGS = ("preprocessor_config.json", "processor_config.json")
# recipes' word for a folder inside another package
_IN_PACKAGE = "package:"


def pretrained_names() -> list[str]:
    """The models inside the package, sorted.

    Example:
        >>> import hf_ecg
        >>> hf_ecg.pretrained_names()
        ['clinical-text-small', 'ecg-single-lead-small', 'ecg-text-small']
    """
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
    """`(model, processor)` of a saved model: float32, in evaluation mode, on the CPU.

    Args:
        name: a model inside the package (see `pretrained_names`), a folder, or a Hub id.

    Returns:
        A dual encoder with its `ECGTextProcessor`, a classifier or an encoder with its `ECGFeatureExtractor`, or a
        text tower with its tokenizer.

    Raises:
        ValueError: weights that are NaN or infinite, or that do not fit their configuration.
        OSError: there is no model of that name, see `model_source`.

    Example:
        >>> import hf_ecg
        >>> model, processor = hf_ecg.load_pretrained("ecg-text-small")
        >>> inputs = processor(ecg="record.hea", return_tensors="pt")
        >>> model.get_ecg_features(**inputs).pooler_output.shape
        torch.Size([1, 128])
    """
    import torch
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    from ..auto import class_role
    from ..evaluation.loading import load_classifier, load_model

    source, cpu = model_source(str(name)), torch.device("cpu")
    if Path(source).is_dir() and not any(Path(source, file).is_file() for file in _READS_ECGS):
        return AutoModel.from_pretrained(source, add_pooling_layer=False).eval(), AutoTokenizer.from_pretrained(source)
    names = AutoConfig.from_pretrained(source).architectures or []
    load = load_classifier if any(class_role(name) == "classifier" for name in names) else load_model
    return load(source, cpu)


def model_source(name: str) -> str:
    """What `from_pretrained` takes for a model's name: a folder, the name of a model in the package, or a Hub id.

    A folder here counts before a model of the package, where it holds one itself, and both before the Hub, which is
    asked once whether it has the model.

    Raises:
        OSError: there is no such folder and no model of this name, or the folder holds no model: what it holds is
            said.
    """
    path, known = Path(name).expanduser(), pretrained_names()
    if name.startswith(_IN_PACKAGE):
        return name
    if name and path.is_dir() and (_holds_model(path) or name not in known):
        _check_folder(name, path)
        return str(path)
    # a folder without a model may be the output of a command, which is only named like the model that it read
    if name in known:
        return pretrained(name)
    if path.is_file():
        raise FileNotFoundError(f"{name} is a file, wanted the folder of a model; `hf-ecg convert` reads checkpoints")
    near = nearest_name(name, known)
    if may_be_on_hub(name):
        check_on_hub(name, here=f"{near}, not one of the package's models ({', '.join(known) or 'none'})")
        return name
    raise FileNotFoundError(
        f"{name or 'an empty name'} is not a folder here{near}, not one of the package's models"
        f" ({', '.join(known) or 'none'}), and cannot be on the Hub, where a model is named OWNER/NAME"
    )


def _holds_model(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (_CONFIG, _ADAPTER))


def _check_folder(name: str, folder: Path) -> None:
    """Raises OSError, which says what the folder is, where `from_pretrained` would find no model in it."""
    if _holds_model(folder):
        return
    inside = sorted(str(Path(name, path.parent.name)) for path in folder.glob(f"*/{_CONFIG}"))
    if (folder / "summary.json").is_file():
        found = f"{name} is a prepared corpus and not a model"
    elif (folder / "recipe.yaml").is_file():
        found = f"{name} is a run that has not saved its model yet (the same command with --resume latest goes on)"
    elif inside:
        found = f"{name} holds no model itself, but there are {', '.join(inside[:5])}: name one of them"
    else:
        found = f"{name} {what_is_in(folder)}, and no model"
    raise FileNotFoundError(f"{found}: there is no {_CONFIG}")
