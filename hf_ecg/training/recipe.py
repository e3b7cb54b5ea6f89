"""Training recipes: strict YAML, one dataclass a section, overrides `section.key=value` on the command line."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from huggingface_hub.dataclasses import strict

from ..input_files import read_input
from ..strict_yaml import load_yaml
from .data_sections import DataSection
from .methods import build_method
from .recipe_sections import (
    MethodSection,
    ModelSection,
    OptimizerSection,
    ProcessorSection,
    RunSection,
    ScheduleSection,
    ValidationSection,
)
from .sections import parse_section, to_plain

# Keys of earlier versions, and what says the same now.
_MOVED = {
    "collator": "the section is now `method: {name: text_pairs, options: {...}}`, or another one of the methods; the"
    " step `{name: views}` of processor.feature_extractor replaces normalise_after_views",
    "data.path": "corpora are listed as `data.sources: [{path: ..., config: ..., folds: ...}]`",
    "data.config": "corpora are listed as `data.sources: [{path: ..., config: ..., folds: ...}]`",
    "data.folds": "corpora are listed as `data.sources: [{path: ..., config: ..., folds: ...}]`",
    "data.shuffle_texts": "it is now `method.options.shuffle_texts`",
    "data.shuffle_risk": "it is now `method.options.shuffle_risk`",
    "optimizer.lr_factors": "it is now `optimizer.groups: [{parameters: [NAME], lr_factor: 10}]`",
    "run.tensorboard": "it is now `run.log_with: [tensorboard]`",
}


@strict
@dataclass
class Recipe:
    """Everything a pretraining run needs; see `recipe_sections`."""

    model: ModelSection
    processor: ProcessorSection
    data: DataSection
    method: MethodSection
    optimizer: OptimizerSection
    run: RunSection
    schedule: ScheduleSection = field(default_factory=ScheduleSection)
    validation: ValidationSection | None = None
    freeze: list[str] = field(default_factory=list)

    def validate_validation(self):
        if self.validation is not None and not any(source.folds.validation for source in self.data.sources):
            raise ValueError("folds.validation of data.sources is empty, but there is a validation section")

    def to_dict(self) -> dict:
        """Plain mapping with every default filled in, keys as in the YAML."""
        return to_plain(self)

    def save(self, path) -> None:
        """Write the resolved recipe as YAML."""
        text = yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True, width=119)
        Path(path).write_text(text, encoding="utf-8")


def load_recipe(path, overrides=()) -> Recipe:
    """Read a recipe and apply overrides.

    Args:
        path: YAML file.
        overrides: strings `section.key=value`; the value is YAML, places of a list are numbers
            (`data.sources.0.folds.train=[1,2]`).

    Raises:
        ValueError: unknown, missing or doubled key, wrong type, YAML tag, value out of range.
        OSError: the file cannot be read.
    """
    content = load_yaml(read_input(path), str(path))
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds {type(content).__name__}, a recipe is a mapping of sections")
    for override in overrides:
        apply_override(content, override)
    return parse_recipe(content, source=str(path))


def as_override(key: str, value) -> str:
    """`section.key=value` with the value as YAML reads it back, whatever a path holds."""
    return f"{key}={json.dumps(value)}"


def apply_override(content: dict, override: str) -> None:
    """Set one value of a recipe's mapping, in place; the key is checked when the recipe is parsed.

    Raises:
        ValueError: not `section.key=value`, a key inside a value, or a place that a list does not have.
    """
    key, separator, value = override.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(parts):
        raise ValueError(f"override {override!r} is not of the form section.key=value")
    value = load_yaml(value, f"the value of override {override!r}")
    inside: dict | list = content
    for depth, part in enumerate(parts, start=1):
        place = _place(inside, part, override, ".".join(parts[: depth - 1]))
        if depth == len(parts):
            inside[place] = value
            return
        nested = inside[place] if isinstance(inside, list) else inside.get(place)
        if nested is None:
            nested = inside[place] = [{}] if parts[depth] == "0" else {}
        if not isinstance(nested, dict | list):
            raise ValueError(f"override {override!r}: {'.'.join(parts[:depth])} is a value, not a section")
        inside = nested


def _place(inside: dict | list, part: str, override: str, where: str) -> str | int:
    """The key, or the number of a list's place; one past the end makes a new place."""
    if isinstance(inside, dict):
        return part
    if not part.isdecimal() or int(part) > len(inside):
        raise ValueError(f"override {override!r}: {where} is a list of {len(inside)}, wanted a place from 0")
    if int(part) == len(inside):
        inside.append({})
    return int(part)


def parse_recipe(content: dict, source: str = "recipe") -> Recipe:
    """Check a mapping against the sections and the method that it names, and return the recipe."""
    recipe = parse_section(Recipe, content, "", source, _MOVED)
    build_method(recipe.method, recipe.data, source)
    return recipe
