"""From a recipe's sections to the objects of a run: model, processor, rows, collator, validation."""

import dataclasses
import importlib.util
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import datasets
import torch
import transformers
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel
from transformers.utils import logging

import hf_ecg

from ..data.collators import build_collator
from ..data.corpus import label_names, load_corpus, non_empty_text, shuffle_texts
from ..data.rows import RowDataset
from ..evaluation.validation import build_validation
from ..processing import ECGFeatureExtractor, ECGTextProcessor
from ..processing.step_base import nearest
from .recipe import CollatorSection, DataSection, ModelSection, ProcessorSection, Recipe

logger = logging.get_logger(__name__)

TEXT_COLLATOR = "ecg_text"
LOSS_BATCH_SIZE = 64  # the default of the validator "loss"


@dataclass
class Parts:
    """What a run works with; `processor` is the feature extractor itself when there is no text."""

    model: PreTrainedModel
    processor: object
    train_data: datasets.Dataset
    train_rows: RowDataset
    collator: Callable
    validate: Callable[[nn.Module], dict[str, float]] | None


def build_parts(recipe: Recipe, rank: int = 0, world_size: int = 1) -> Parts:
    """Everything of a recipe but optimiser and schedule.

    Args:
        recipe: what to build.
        rank, world_size: of this process; a validation loss is shared out over them.

    Raises:
        ValueError: a section that does not fit the model, the corpus or another section.
    """
    processor = build_processor(recipe.processor)
    train_data, validation_data = load_data(
        recipe.data, recipe.collator.name, recipe.validation is not None, recipe.run.seed
    )
    class_names = {label_set: label_names(train_data, label_set) for label_set in recipe.data.label_sets}
    model = build_model(recipe.model, classes=class_labels(class_names))
    check_input(model, processor)
    freeze(model, recipe.freeze)
    collator = build_collator(collator_spec(recipe.collator, recipe.data), processor, train_data, recipe.run.seed)
    validate = None
    if recipe.validation is not None:
        spec = {key: value for key, value in dataclasses.asdict(recipe.validation).items() if value is not None}
        if recipe.validation.name == "loss" and recipe.collator.name == TEXT_COLLATOR:
            spec["text_column"] = recipe.data.columns.text
        if validates_together(recipe, world_size):
            spec["batch_size"] = spec.get("batch_size", LOSS_BATCH_SIZE) // world_size
            mine = validation_share(len(validation_data), spec["batch_size"], rank, world_size)
            validation_data = validation_data.select(mine)
        validate = build_validation(spec, processor, validation_data)
    return Parts(model, processor, train_data, RowDataset(train_data, collator.columns), collator, validate)


def validates_together(recipe: Recipe, world_size: int) -> bool:
    """Whether all processes validate: a contrastive loss gathers the rows of all of them, other metrics need one."""
    return world_size > 1 and recipe.validation is not None and recipe.validation.name == "loss"


def validation_share(num_records: int, batch_size: int, rank: int, world_size: int) -> list[int]:
    """Rows of one process, such that each batch of all processes is one run of rows, as on a single process.

    Args:
        num_records: validation rows; the last few are left out when the processes cannot share them equally.
        batch_size: of this process.
        rank, world_size: of this process.
    """
    share = []
    stop = num_records - num_records % world_size
    for start in range(0, stop, batch_size * world_size):
        rows = range(start, min(start + batch_size * world_size, stop))
        size = len(rows) // world_size
        share.extend(rows[rank * size : (rank + 1) * size])
    return share


def resolve_pretrained(source: str) -> str:
    """A Hub id or folder as it is; `package:NAME/FOLDER` as the folder inside an installed package.

    Raises:
        OSError: the package is not installed, or has no such folder.
    """
    if not source.startswith("package:"):
        return source
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
    """A model class of hf_ecg's public namespace, or a transformers Auto class; nothing else is ever imported."""
    public = {key: getattr(hf_ecg, key) for key in hf_ecg.__all__}
    classes = {key: value for key, value in public.items() if inspect.isclass(value) and _is_model_class(value)}
    if name in classes:
        return classes[name]
    candidate = getattr(transformers, name, None) if name.startswith("Auto") else None
    if inspect.isclass(candidate) and _is_model_class(candidate):
        return candidate
    raise ValueError(f"model.class {name!r} is neither a model of hf_ecg nor an Auto class{nearest(name, classes)}")


def _is_model_class(candidate: type) -> bool:
    is_auto = hasattr(candidate, "from_config") and hasattr(candidate, "_model_mapping")
    return is_auto or issubclass(candidate, PreTrainedModel)


def build_model(section: ModelSection, classes: list[str] | None = None) -> PreTrainedModel:
    """The network in float32, pretrained submodules filled in.

    Args:
        section: the recipe's section.
        classes: names of a classifier's outputs, in order.

    Raises:
        ValueError: unknown class or configuration key, a submodule that is not there or does not fit.
    """
    model_class = find_model_class(section.class_)
    config = dict(section.config)
    is_auto = not issubclass(model_class, PreTrainedModel)
    if is_auto and config.get("model_type") not in CONFIG_MAPPING:
        raise ValueError(
            f"model.class {section.class_} needs model.config.model_type, found {config.get('model_type')!r}"
        )
    config_class = CONFIG_MAPPING[config.pop("model_type")] if is_auto else model_class.config_class
    check_config_keys(config_class, config, "model.config")
    loaded = {}
    for name, source in section.init_from.items():
        key = _config_key(model_class, config_class, name)
        loaded[name] = _load_whole(resolve_pretrained(source))
        found = loaded[name].config
        taken = {key: value for key, value in found.to_dict().items() if key not in _NOT_CARRIED}
        if key is not None:
            if config.get(key) is not None:
                raise ValueError(f"model.config.{key} is given, but it comes from model.init_from.{name}")
            config[key] = {**taken, "model_type": found.model_type}
        elif found.model_type == config_class.model_type:
            config = {**taken, **config}
        else:
            raise ValueError(
                f"model.init_from.{name} = {source} is a {found.model_type}, wanted {config_class.model_type}"
            )
    if classes:
        config["id2label"] = dict(enumerate(classes))
        config["label2id"] = {label: index for index, label in enumerate(classes)}
        config.setdefault("problem_type", "multi_label_classification")
    config = config_class(**config)
    model = model_class.from_config(config) if is_auto else model_class(config)
    for name, source in loaded.items():
        _fill_submodule(model, name, source, section.init_from[name])
    return model.float()


def _config_key(model_class, config_class, name: str) -> str | None:
    """Where the configuration of a submodule goes: `text_model` -> `text_config`; None = it is the model's own."""
    nested = [field for field in _config_fields(config_class) if field.endswith("_config")]
    own = getattr(model_class, "base_model_prefix", None) or "encoder"
    known = [field.removesuffix("_config") + "_model" for field in nested] or [own]
    if name not in known:
        raise ValueError(f"model.init_from.{name}: {model_class.__name__} has {known}{nearest(name, known)}")
    return name.removesuffix("_model") + "_config" if nested else None


# Facts about the file a configuration came from, not about the network built from it.
_NOT_CARRIED = (
    "model_type",
    "architectures",
    "dtype",
    "torch_dtype",
    "transformers_version",
    "_name_or_path",
    "auto_map",
)


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


def _nested_config_class(config_class, key: str, value: dict):
    default = getattr(config_class, "sub_configs_defaults", {}).get(key)
    model_type = value.get("model_type", getattr(default, "model_type", None))
    if model_type in CONFIG_MAPPING:
        return CONFIG_MAPPING[model_type]
    nested = getattr(default, "config_class", default)
    return nested if inspect.isclass(nested) and nested is not AutoConfig and model_type is None else None


def _load_whole(source: str) -> PreTrainedModel:
    """A pretrained model in float32, without a pooler that its checkpoint does not hold."""
    model, info = AutoModel.from_pretrained(source, dtype=torch.float32, output_loading_info=True)
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
    wanted, found = submodule.state_dict(), source.state_dict()
    found = {key: value for key, value in found.items() if key in wanted or not key.startswith("pooler.")}
    missing, unknown = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if missing or unknown:
        raise ValueError(f"model.init_from.{name} = {where} holds no weights for {missing}, and unknown {unknown}")
    submodule.load_state_dict(found)


def check_input(model: PreTrainedModel, processor) -> None:
    """Raise when the waveforms are made for another input than the encoder's configuration declares.

    A convolution takes any rate and length; the saved configuration would go on saying what is not so.
    """
    extractor = getattr(processor, "feature_extractor", processor)
    one_lead = any(step["name"] == "pick_lead" for step in extractor.steps)
    made = {
        "num_leads": 1 if one_lead else len(extractor.leads),
        "sampling_rate": extractor.sampling_rate,
        "num_samples": extractor.num_samples,
    }
    config = getattr(model.config, "ecg_config", model.config)
    for key, value in made.items():
        declared = getattr(config, key, value)
        if value is not None and value != declared:
            raise ValueError(
                f"processor.feature_extractor makes {key} {value}, the encoder's configuration says {declared}"
            )


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


def build_processor(section: ProcessorSection):
    """`ECGTextProcessor` when a tokenizer is named, else the `ECGFeatureExtractor` alone."""
    feature_extractor = ECGFeatureExtractor(**section.feature_extractor)
    if section.tokenizer is None:
        return feature_extractor
    tokenizer = AutoTokenizer.from_pretrained(resolve_pretrained(section.tokenizer))
    return ECGTextProcessor(feature_extractor, tokenizer)


def load_data(section: DataSection, collator: str, with_validation: bool, seed: int = 0):
    """Rows to train on and rows to select on (None without validation).

    Raises:
        ValueError: no path, a column or lead that the corpus does not have, no rows left.
    """
    if not section.path:
        raise ValueError("data.path is not given: a recipe names it, or `data.path=FOLDER` on the command line does")
    train = load_corpus(section.path, config=section.config, folds=section.folds.train)
    validation = None
    if with_validation:
        validation = load_corpus(section.path, config=section.config, folds=section.folds.validation)
    columns = [section.columns.text] if collator == "ecg_text" else section.label_sets
    for column in columns:
        if column not in train.column_names:
            raise ValueError(f"{section.path} has no column {column!r}{nearest(column, train.column_names)}")
    if collator == TEXT_COLLATOR:
        train = non_empty_text(train, section.columns.text)
        if section.shuffle_texts:
            logger.warning("control: every record is trained on another patient's text")
            train = shuffle_texts(train, section.columns.text, seed)
    if section.leads is not None:
        carried = set(map(tuple, train.with_format(None).select_columns(["leads"])["leads"]))
        short = [leads for leads in carried if not {x.upper() for x in section.leads} <= {x.upper() for x in leads}]
        if short:
            raise ValueError(f"data.leads wants {section.leads}, but records carry {list(short[0])}")
    if len(train) == 0:
        raise ValueError(f"{section.path}: no rows to train on in folds {section.folds.train}")
    return train, validation


def class_labels(class_names: dict[str, list[str]]) -> list[str]:
    """Output names of a classifier: the classes of one label set, or `label_set: class` over several."""
    if len(class_names) == 1:
        return list(next(iter(class_names.values())))
    return [f"{label_set}: {name}" for label_set, names in class_names.items() for name in names]


def collator_spec(section: CollatorSection, data: DataSection) -> dict:
    """What `data.collators.build_collator` takes: the section's options that are given, and the data's columns."""
    spec = {key: value for key, value in dataclasses.asdict(section).items() if value is not None}
    if section.name == TEXT_COLLATOR:
        return spec | {"text_column": data.columns.text}
    return spec | {"label_sets": data.label_sets}
