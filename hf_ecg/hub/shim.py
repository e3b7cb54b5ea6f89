"""Optional code in a model repository, for users who pass `trust_remote_code=True` and do not import hf_ecg.

One line that imports the installed classes: with the package a model loads, without it transformers answers
"Run `pip install hf_ecg`". The sources themselves are not copied: transformers takes single flat files.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from transformers import AutoModel, AutoModelForPreTraining

from ..auto import FAMILIES, OWN_AUTO_CLASSES

SHIM_NAME = "modeling_hf_ecg.py"


def add_shim(files: Mapping[str, Path | bytes]) -> dict[str, Path | bytes]:
    """The files of a model with the shim, and with the `auto_map` that leads to it.

    Args:
        files: see `folders.model_files`; those on the disk are not changed.

    Raises:
        ValueError: the model is none of this package's.
    """
    files, needed = dict(files), set()
    for folder in sorted(
        {path.rpartition("config.json")[0] for path in files if path.endswith("/config.json")} | {""}
    ):
        config = _read(files[f"{folder}config.json"])
        config_class, model_class, auto_classes = _classes(config)
        processor = FAMILIES[config_class.model_type].processor
        names = {"AutoConfig": config_class.__name__} | dict.fromkeys(auto_classes, model_class)
        preparing = {"AutoFeatureExtractor": "ECGFeatureExtractor"}
        if processor:
            preparing["AutoProcessor"] = processor.__name__
        needed |= {*names.values(), *preparing.values()}
        for name, classes in (
            ("config.json", names),
            ("preprocessor_config.json", preparing),
            ("processor_config.json", preparing),
        ):
            if folder + name in files:
                content = _read(files[folder + name])
                content["auto_map"] = {auto: f"{Path(SHIM_NAME).stem}.{kind}" for auto, kind in classes.items()}
                files[folder + name] = (json.dumps(content, indent=2, sort_keys=True) + "\n").encode()
    files[SHIM_NAME] = f"from hf_ecg import {', '.join(sorted(needed))}  # pip install hf-ecg\n".encode()
    return files


def _classes(config: dict) -> tuple[type, str, list[str]]:
    """Configuration class, name of the saved class, and the Auto classes that hand it out."""
    (name,) = config.get("architectures") or [None]
    family = FAMILIES.get(config.get("model_type"))
    # the shim imports from hf_ecg, which does not hold the classes of other packages
    if family is None or not family.config.__module__.startswith("hf_ecg."):
        raise ValueError(f"the model type is {config.get('model_type')!r}, which hf_ecg does not have")
    config_class = family.config
    found = [
        auto.__name__
        for auto in (AutoModel, AutoModelForPreTraining, *OWN_AUTO_CLASSES)
        if config_class in auto._model_mapping and auto._model_mapping[config_class].__name__ == name
    ]
    if not found:
        raise ValueError(f"the model is a {name}, which no Auto class hands out: publish it without the shim")
    return config_class, name, found


def _read(content: Path | bytes) -> dict:
    return json.loads(content if isinstance(content, bytes) else content.read_bytes())
