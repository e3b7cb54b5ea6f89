"""From a recipe's section to the network, its pretrained parts filled in."""

import dataclasses
import importlib.util
import inspect
from pathlib import Path

import torch
import transformers
from huggingface_hub.errors import StrictDataclassError
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, PreTrainedModel

from ..auto import public_models
from ..checks import nearest
from ..models.shared.configuration_ecg import HEAD_FIELDS
from ..models.shared.configuration_tower import ECGTowerConfig
from ..models.shared.finite_weights import check_weights
from ..models.shared.forward_names import forward_names
from ..models.shared.roles import ecg_encoder, model_role
from ..pretrained_models import model_source
from .recipe_sections import ModelSection

# The key of `model.init_from` for the weights of all submodules, projections and temperature too.
WHOLE = "model"


def resolve_pretrained(source: str) -> str:
    """What `from_pretrained` takes: `package:NAME/FOLDER` as the folder inside an installed package, and everything
    else as `pretrained_models.model_source` finds it.

    Raises:
        OSError: there is no such model or folder, or the package is not installed, or has no such folder.
    """
    if not source.startswith("package:"):
        return model_source(source)
    package, _, inside = source.removeprefix("package:").partition("/")
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or not found.submodule_search_locations:
        raise OSError(f"{source}: the package {package} is not installed (pip install {package.replace('_', '-')})")
    root = Path(next(iter(found.submodule_search_locations))).resolve()
    folder = (root / inside).resolve()
    if not folder.is_relative_to(root) or not folder.is_dir():
        raise OSError(f"{source}: the package {package} has no folder {inside!r}")
    return str(folder)


def find_model_class(name: str):
    """A model class of a registered family, or a transformers Auto class; nothing else is ever imported."""
    classes = public_models()
    if name in classes:
        return classes[name]
    candidate = getattr(transformers, name, None) if name.startswith("Auto") else None
    if inspect.isclass(candidate) and _is_model_class(candidate):
        return candidate
    raise ValueError(f"model.class {name!r} is neither a model of hf_ecg nor an Auto class{nearest(name, classes)}")


def _is_model_class(candidate: type) -> bool:
    is_auto = hasattr(candidate, "from_config") and hasattr(candidate, "_model_mapping")
    return is_auto or issubclass(candidate, PreTrainedModel)


def network_class(section: ModelSection) -> type[PreTrainedModel]:
    """The class of the network that a section describes: what an Auto class gives for its `model_type`.

    Raises:
        ValueError: an unknown class, or an Auto class without a `model_type` that it knows.
    """
    model_class = find_model_class(section.class_)
    if issubclass(model_class, PreTrainedModel):
        return model_class
    model_type = section.config.get("model_type")
    if not _is_known(model_type):
        raise ValueError(f"model.class {section.class_} needs model.config.model_type, found {model_type!r}")
    config_class = CONFIG_MAPPING[model_type]
    if config_class not in model_class._model_mapping:
        raise ValueError(f"model.class {section.class_} has no model for model.config.model_type {model_type!r}")
    found = model_class._model_mapping[config_class]
    return found[0] if isinstance(found, tuple) else found


def forward_inputs(model_class: type[nn.Module], required: bool = False) -> frozenset[str]:
    """Names that a model's `forward` takes, or needs; those that vanish in `**kwargs` are left out."""
    names, declared = forward_names(model_class), inspect.signature(model_class.forward).parameters
    if not required:
        return names
    return frozenset(name for name in names & declared.keys() if declared[name].default is inspect.Parameter.empty)


def build_model(section: ModelSection, classes: list[str] | None = None, head: dict | None = None) -> PreTrainedModel:
    """The network in float32, pretrained submodules filled in.

    Args:
        section: the recipe's section.
        classes: names of a classifier's outputs, in order.
        head: what the data says of the configuration, such as a head's `problem_type`; the section may not say
            otherwise.

    Raises:
        ValueError: unknown class or configuration key, a submodule that is not there or does not fit.
    """
    model_class = find_model_class(section.class_)
    config = dict(section.config)
    is_auto = not issubclass(model_class, PreTrainedModel)
    network_class(section)  # raises for what no configuration can be made of
    config_class = CONFIG_MAPPING[config.pop("model_type")] if is_auto else model_class.config_class
    check_config_keys(config_class, config, "model.config")
    if WHOLE in section.init_from:
        return _continued(section, model_class, config)
    loaded = {}
    for name, source in section.init_from.items():
        keys = _config_keys(model_class, config_class, config, name)
        loaded[name] = _load_whole(resolve_pretrained(source))
        if keys != ["text_config"]:
            # of a dual encoder its ECG tower
            loaded[name] = ecg_encoder(loaded[name])
        found = loaded[name].config
        taken = {key: value for key, value in found.to_dict().items() if key not in _NOT_CARRIED}
        if keys:
            _put(config, keys, {**taken, "model_type": found.model_type}, name)
        elif found.model_type == config_class.model_type:
            config = {**taken, **config}
        else:
            raise ValueError(
                f"model.init_from.{name} = {source} is a {found.model_type}, wanted {config_class.model_type}"
            )
    if classes:
        config["id2label"] = dict(enumerate(classes))
        config["label2id"] = {label: index for index, label in enumerate(classes)}
        head = head or {"problem_type": "multi_label_classification"}
    for key, value in (head or {}).items():
        if config.setdefault(key, value) != value:
            raise ValueError(f"model.config.{key} is {config[key]!r}, but method and data make it {value!r}")
    config = _configuration(config_class, config)
    model = model_class.from_config(config) if is_auto else model_class(config)
    for name, source in loaded.items():
        _fill_submodule(model, name, source, section.init_from[name])
    return model.float()


def _continued(section: ModelSection, model_class, config: dict) -> PreTrainedModel:
    """The whole model of an earlier run, to train on; `config` may change what has no weights."""
    source = section.init_from[WHOLE]
    nested = [key for key in config if key.endswith("_config")]
    if len(section.init_from) > 1 or nested or not issubclass(model_class, PreTrainedModel):
        others = sorted(set(section.init_from) - {WHOLE}) + [f"model.config.{key}" for key in nested]
        raise ValueError(
            f"model.init_from.{WHOLE} takes the whole {section.class_} from {source}: wanted a model class that is not"
            f" an Auto class and no other source of weights, found {', '.join(others) or section.class_}"
        )
    folder = resolve_pretrained(source)
    found = AutoConfig.from_pretrained(folder)
    if found.model_type != model_class.config_class.model_type:
        raise ValueError(
            f"model.init_from.{WHOLE} = {source} is a {found.model_type}, wanted {model_class.config_class.model_type}"
        )
    taken = {key: value for key, value in found.to_dict().items() if key not in _NOT_CARRIED}
    whole = _configuration(model_class.config_class, {**taken, **config})
    model, info = model_class.from_pretrained(folder, config=whole, dtype=torch.float32, output_loading_info=True)
    differing = sorted(set(info["missing_keys"]) | set(info["unexpected_keys"]))
    if differing:
        raise ValueError(f"model.init_from.{WHOLE} = {source} and model.config do not fit: {differing}")
    return model.float()


def _configuration(config_class, values: dict):
    """An instance of the class; a value of another type or out of range is a ValueError, as everywhere in a recipe."""
    try:
        return config_class(**values)
    except StrictDataclassError as error:
        raise ValueError(f"model.config: {error.__cause__}") from error


def _config_keys(model_class, config_class, config: dict, name: str) -> list[str]:
    """Where the configuration of a submodule goes: `text_model` -> `text_config`, `ecg_model.body_model` ->
    `ecg_config`, `body_config`; none = it is the model's own, as of a head's `encoder`."""
    own = getattr(model_class, "base_model_prefix", None) or "encoder"
    keys: list[str] = []
    for depth, part in enumerate(name.split(".")):
        fields = set() if config_class is None else _config_fields(config_class)
        known = sorted(field.removesuffix("_config") + "_model" for field in fields if field.endswith("_config"))
        # a head stands around the encoder whose configuration it has; a model of towers has none of its own
        if not depth and not issubclass(config_class, ECGTowerConfig):
            known.append(own)
        if part not in known:
            inside = f" in {'.'.join(keys)}" if keys else ""
            raise ValueError(
                f"model.init_from.{name}: {model_class.__name__} has {known}{inside}{nearest(part, known)}"
            )
        if part == own:
            continue
        keys.append(part.removesuffix("_model") + "_config")
        config = config.get(keys[-1]) or {}
        config_class = _nested_config_class(config_class, keys[-1], config)
    return keys


def _put(config: dict, keys: list[str], value: dict, name: str) -> None:
    """A configuration inside others, which are made where the section has none."""
    *around, last = keys
    for key in around:
        # not the section's own, which is saved with the run
        config[key] = dict(config.get(key) or {})
        config = config[key]
    if config.get(last) is not None:
        raise ValueError(f"model.config.{'.'.join(keys)} is given, but it comes from model.init_from.{name}")
    config[last] = value


# Facts about the file a configuration came from, not about the network built from it.
_NOT_CARRIED = (
    "model_type",
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
    "_name_or_path",
    "auto_map",
    "problem_type",
    "id2label",
    "label2id",
    *HEAD_FIELDS,
)


def carried_config(config_class, config) -> dict:
    """A configuration as the arguments that give the same network anew."""
    known = _config_fields(config_class) - {*_NOT_CARRIED, "hf_ecg_version"}
    return {key: value for key, value in config.to_diff_dict().items() if key in known}


def _config_fields(config_class) -> set[str]:
    names = (
        {item.name for item in dataclasses.fields(config_class)} if dataclasses.is_dataclass(config_class) else set()
    )
    return names | set(inspect.signature(config_class.__init__).parameters) | set(config_class.attribute_map)


def check_config_keys(config_class, config: dict, where: str) -> None:
    """Raise on a key that the configuration class does not declare: transformers would keep a slip as an attribute."""
    known = _config_fields(config_class) | {"num_labels", "model_type"}
    for key, value in config.items():
        if key not in known:
            raise ValueError(f"{where}.{key} is not known to {config_class.__name__}{nearest(key, known)}")
        if isinstance(value, dict) and key.endswith("_config"):
            nested = _nested_config_class(config_class, key, value)
            if nested is None:
                raise ValueError(f"{where}.{key} needs model_type, found {value.get('model_type')!r}")
            check_config_keys(nested, value, f"{where}.{key}")


def _is_known(model_type) -> bool:
    return isinstance(model_type, str) and model_type in CONFIG_MAPPING


def _nested_config_class(config_class, key: str, value: dict):
    default = getattr(config_class, "sub_configs_defaults", {}).get(key)
    model_type = value.get("model_type", getattr(default, "model_type", None))
    if _is_known(model_type):
        return CONFIG_MAPPING[model_type]
    nested = getattr(default, "config_class", default)
    return nested if inspect.isclass(nested) and nested is not AutoConfig and model_type is None else None


def _load_whole(source: str) -> PreTrainedModel:
    """A pretrained model in float32, without a pooler that its checkpoint does not hold."""
    model, info = AutoModel.from_pretrained(source, dtype=torch.float32, output_loading_info=True)
    check_weights(model, source)
    missing = set(info["missing_keys"])
    if any(name.startswith("pooler.") for name in missing):
        # a masked-language-model checkpoint has none, and AutoModel makes up a random one
        model.pooler = None
    missing = sorted(name for name in missing if not name.startswith("pooler."))
    if missing:
        raise ValueError(f"{source} holds no weights for {missing}")
    return model


def _fill_submodule(model: PreTrainedModel, name: str, source: PreTrainedModel, where: str) -> None:
    submodule = model.get_submodule(name)
    if model_role(submodule) in ("pretraining", "lead reconstruction"):
        # of such a folder AutoModel gives the encoder alone
        source = type(submodule).from_pretrained(resolve_pretrained(where), dtype=torch.float32)
        check_weights(source, where)
    wanted, found = submodule.state_dict(), source.state_dict()
    found = {key: value for key, value in found.items() if key in wanted or not key.startswith("pooler.")}
    missing, unknown = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or unknown:
        raise ValueError(f"model.init_from.{name} = {where} holds no weights for {missing}, and unknown {unknown}")
    submodule.load_state_dict(found)


def freeze(model: nn.Module, names: list[str]) -> None:
    """Take submodules out of training.

    Raises:
        ValueError: a name that the model does not have.
    """
    for name in names:
        try:
            model.get_submodule(name).requires_grad_(False)
        except AttributeError as error:
            known = [key for key, _ in model.named_modules() if key]
            raise ValueError(f"freeze: the model has no submodule {name!r}{nearest(name, known)}") from error


def set_training_mode(model: nn.Module, frozen: list[str]) -> None:
    """Training mode, with frozen submodules in evaluation mode: no dropout, no moving BatchNorm statistics."""
    model.train()
    for name in frozen:
        model.get_submodule(name).eval()
