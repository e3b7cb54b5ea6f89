"""Which files of a folder go to the Hub, and which folders are not fit for it."""

import json
import re
from fnmatch import fnmatch
from pathlib import Path

from ..cards import CARD_NAME, PLACEHOLDER
from ..hidden_places import INCOMPLETE, hidden_names
from ..models.shared.weight_files import check_finite_file

# Named, not everything but checkpoints and logs: what else lies in a run's folder may be anybody's records.
_MODEL_FILES = (
    "config.json",
    "generation_config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
    "preprocessor_config.json",
    "processor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
# of these weights alone: an earlier push's must not stay beside new ones
_OF_THE_WEIGHTS = ("calibration.json", "calibration_report.json", "calibration_report.md", "audit.json", "audit.md")
_RUN_FILES = (
    CARD_NAME,
    *_OF_THE_WEIGHTS,
    "recipe.yaml",
    "training_*.json",
    "evaluation/*.json",
    ".eval_results/*.yaml",
    "figures/*.png",
)
_CORPUS_FILES = (CARD_NAME, "summary.json", "*/*.parquet")
_TEXT = (".md", ".json", ".yaml")
# A path from the root, up to its last name; addresses (https://...) stay.
_FOLDERS = re.compile(r"(?<![\w:/.~])(?:~?/)(?:[^\s\"'`,;:|\[\](){}<>/]+/)+(?=[^\s\"'`,;:|\[\](){}<>/]+)")
_CONFIG, _INDEX = "config.json", "model.safetensors.index.json"


def model_files(folder, repo_id: str) -> dict[str, Path | bytes]:
    """Path in the repository -> file or content, of a model folder and its `encoder/`.

    Texts about the run name folders of this machine by their last part only.

    Raises:
        OSError: it is not a folder, its run has not finished, or a file of the model is absent or cut off.
        ValueError: weights that are NaN or infinite.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not a folder, wanted the output folder of a run or a converted model")
    parts = [folder, *([folder / "encoder"] if (folder / "encoder").exists() else [])]
    for part in parts:
        _check_whole(part)
    chosen: dict[str, Path | bytes] = {}
    for part in parts:
        for path in _matching(part, _MODEL_FILES):
            chosen[path.relative_to(folder).as_posix()] = path
    for path in _matching(folder, _RUN_FILES):
        chosen[path.relative_to(folder).as_posix()] = _public(path, repo_id)
    return chosen


def corpus_files(folder, repo_id: str) -> dict[str, Path | bytes]:
    """The same for a prepared corpus.

    Raises:
        OSError: it is not a folder that a script of `dataset_scripts/` finished.
    """
    folder = Path(folder)
    paths = list(_matching(folder, _CORPUS_FILES))
    for name in (CARD_NAME, "summary.json"):
        if folder / name not in paths:
            raise FileNotFoundError(f"{folder} holds no prepared corpus: there is no {name}")
    if not any(path.suffix == ".parquet" for path in paths):
        raise FileNotFoundError(f"{folder} holds no prepared corpus: there are no parquet files")
    return {path.relative_to(folder).as_posix(): _public(path, repo_id) for path in paths}


def is_stale_model_file(path: str) -> bool:
    """Whether a file of an earlier push must not stay beside a new model: transformers might read it."""
    inner = path.removeprefix("encoder/")
    patterns = (
        *_MODEL_FILES,
        *_OF_THE_WEIGHTS,
        "pytorch_model*.bin",
        "pytorch_model.bin.index.json",
        "modeling_hf_ecg.py",
    )
    ours = path.startswith("evaluation/") or fnmatch(path, ".eval_results/hf_ecg*.yaml")
    return ours or any(fnmatch(inner, pattern) for pattern in patterns)


def _check_whole(folder: Path) -> None:
    config = folder / _CONFIG
    if (folder / "recipe.yaml").is_file() and not config.is_file():
        raise FileNotFoundError(
            f"{folder} holds a run that has not finished: there is no {_CONFIG}. Resume it first"
            " (train/pretrain.py ... --resume latest)"
        )
    for name in ("model", "encoder"):
        if left := hidden_names(folder / name, INCOMPLETE):
            raise OSError(f"{folder} was not saved to the end: {left[0].name} is there. Resume the run first")
    if not config.is_file():
        raise FileNotFoundError(f"{folder} holds no model: there is no {_CONFIG}")
    try:
        json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OSError(f"{config} is damaged: {error}") from error
    if not any((folder / name).is_file() for name in ("preprocessor_config.json", "processor_config.json")):
        raise FileNotFoundError(
            f"{folder} holds a model without its preprocessing, wanted preprocessor_config.json or"
            " processor_config.json: save the extractor or processor there"
        )
    for path in _weights(folder):
        check_finite_file(path)


def _weights(folder: Path) -> list[Path]:
    index = folder / _INDEX
    if index.is_file():
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    else:
        names = ["model.safetensors"]
    for name in names:
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} holds no whole model: there is no {name}")
    return [folder / name for name in names]


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted({path for pattern in patterns for path in folder.glob(pattern) if path.is_file()})


def _public(path: Path, repo_id: str) -> Path | bytes:
    """A text as it may be read by everyone: with its own id, without the folders of this machine."""
    if path.suffix not in _TEXT:
        return path
    text = path.read_text(encoding="utf-8")
    if path.name == CARD_NAME:
        text = text.replace(PLACEHOLDER, repo_id)
    return _FOLDERS.sub("", text).encode()
