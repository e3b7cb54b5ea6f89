"""From the folder of a run to a folder inside the package: half the bytes, no path of a machine, a card."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ...auto import folder_role
from ...cards import CARD_NAME, PLACEHOLDER
from ...data.corpus import corpus_name
from ...evaluation.protocol import FACTS_FILE
from ...files import atomic_folder
from ...hub.folders import model_files
from ...training.recipe import load_recipe
from ...training.run_card import RUN_NAME
from ...training.run_folder import RECIPE_NAME

_WEIGHTS, _CONFIG, _ENCODER = "model.safetensors", "config.json", "encoder"
# Of a folder inside the package, cards and reports included.
LARGEST_BYTES = 3_000_000


def package_run(run, folder, name: str, card: Callable[[Path], str], sources: dict[str, str] | None = None) -> None:
    """Write a model folder for the package.

    Matrices are stored in half precision, all else in single; `config.json` says float32, which is what
    `from_pretrained` gives.

    Args:
        run: folder of a finished run, or of a saved model with what it reads its inputs by.
        folder: to make or replace.
        name: of the model.
        card: from the folder, which is complete but for it, to its README.
        sources: path in the run's recipe -> what it is called for everybody.

    Raises:
        ValueError: it would be larger than `LARGEST_BYTES`.
        OSError: `run` holds no whole model.
    """
    run, sources = Path(run), dict(sources or {})
    model = run / packaged_part(run)

    def write(target: Path) -> None:
        for inside, content in _files(run, name).items():
            path = target / inside
            if inside in (_WEIGHTS, _CONFIG, RECIPE_NAME, CARD_NAME):
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
        save_file(half_matrices(load_file(model / _WEIGHTS)), target / _WEIGHTS, metadata={"format": "pt"})
        shutil.copyfile(model / _CONFIG, target / _CONFIG)
        _rewrite(target / _CONFIG, lambda config: config | {"dtype": "float32"})
        _rewrite(target / RUN_NAME, _without_encoder)
        _rewrite(target / FACTS_FILE, _without_paths)
        if (run / RECIPE_NAME).is_file():
            _write_recipe(run, target, sources)
        text = card(target).replace(f'"{PLACEHOLDER}"', f'hf_ecg.pretrained("{name}")')
        (target / CARD_NAME).write_text(text, encoding="utf-8")
        for path in target.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file())
        if size > LARGEST_BYTES:
            raise ValueError(f"{name} has {size} bytes, and the package takes models of at most {LARGEST_BYTES}")

    atomic_folder(folder, write)


def _rewrite(path: Path, change: Callable[[dict], dict]) -> None:
    if path.is_file():
        content = change(json.loads(path.read_text(encoding="utf-8")))
        path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _without_encoder(run: dict) -> dict:
    """The encoder lies in the model, and not beside it too."""
    return run | {"encoder": None}


def _without_paths(facts: dict) -> dict:
    sources = [source | {"corpus": corpus_name(source["config"])} for source in facts["sources"]]
    return facts | {"sources": sources}


def packaged_part(run: Path) -> str:
    """Where in a run's folder the packaged model lies: the whole of a dual encoder, of any other its encoder."""
    return "" if folder_role(run) == "dual encoder" or not (run / _ENCODER).is_dir() else _ENCODER


def _files(run: Path, name: str) -> dict[str, Path | bytes]:
    """Those that the Hub would get, with the packaged part at the top; of a text tower, which reads no ECGs, all."""
    if not (run / RECIPE_NAME).is_file():
        return {path.name: path for path in sorted(run.iterdir()) if path.is_file()}
    files, part = model_files(run, name), packaged_part(run)
    inside = {name.removeprefix(f"{_ENCODER}/"): file for name, file in files.items() if name.startswith(_ENCODER)}
    own = {name: file for name, file in files.items() if not name.startswith(_ENCODER)}
    return own if not part else {name: own[name] for name in (FACTS_FILE, RUN_NAME) if name in own} | inside


def half_matrices(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The matrices and kernels in half precision; statistics, norms, scales and biases as they are."""
    return {
        name: tensor.half() if tensor.dtype == torch.float32 and tensor.ndim > 1 else tensor
        for name, tensor in tensors.items()
    }


def _write_recipe(run: Path, target: Path, sources: dict[str, str]) -> None:
    """The resolved recipe, which names its pretrained parts as everybody finds them, and no corpus of this machine."""
    recipe = load_recipe(run / RECIPE_NAME)
    for source in recipe.data.sources:
        source.path = None
    recipe.model.init_from = {key: sources.get(path, path) for key, path in recipe.model.init_from.items()}
    if recipe.processor.tokenizer is not None:
        recipe.processor.tokenizer = sources.get(recipe.processor.tokenizer, recipe.processor.tokenizer)
    recipe.save(target / RECIPE_NAME)
