"""Damaged recipes and prompts, judged by a plain parse of the same text."""

import math
from pathlib import Path

import numpy as np
import yaml

from hf_ecg import ECGFeatureExtractor
from hf_ecg.clinical.prompts import FOLDER as PROMPTS
from hf_ecg.clinical.prompts import load_prompts
from hf_ecg.data.views import validate_views
from hf_ecg.training.network import check_config_keys, find_model_class
from hf_ecg.training.recipe import load_recipe, parse_recipe

from .judging import judge
from .mutations import TOKENS, mutate_yaml, parse, pick

RECIPES = Path(__file__).resolve().parents[2] / "train" / "recipes"
_LEAST = {
    "model": {"class": "ECGResNetModel"},
    "processor": {"feature_extractor": {}},
    "data": {},
    "method": {"name": "waveforms"},
    "optimizer": {"lr": 1},
    "run": {"epochs": 1, "batch_size": 1},
    "validation": {"name": "x", "metric": "x", "greater_is_better": True},
}


_SOURCE = parse_recipe(_LEAST | {"data": {"sources": [{}]}}).to_dict()["data"]["sources"][0]

_GROUP = parse_recipe(_LEAST | {"optimizer": {"lr": 1, "groups": [{"parameters": ["x"]}]}}).to_dict()
_GROUP = _GROUP["optimizer"]["groups"][0]


def differing(wanted, found, default=None, where: str = "") -> str | None:
    """First place where a result is not what the text says, or, where the text says nothing, not the default."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        default = default if isinstance(default, dict) else {}
        for key in wanted.keys() | found.keys():
            if key not in found:
                return f"{where}.{key} is lost"
            if key not in wanted:
                if not _same(found[key], default.get(key)):
                    return f"{where}.{key} is {found[key]!r}, which nobody wrote"
            elif wrong := differing(wanted[key], found[key], default.get(key), f"{where}.{key}"):
                return wrong
        return None
    return None if _same(wanted, found) else f"{where} is {found!r}, the text says {wanted!r}"


def _same(one, other) -> bool:
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, str) and isinstance(other, float):
        return float(one) == other  # 1e-3 without a dot
    if type(one) is int and isinstance(other, float):
        return float(one) == other  # beyond 2**53 a float is the nearest one
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


class _Text:
    def __init__(self, data: Path, folder: Path):
        self.folder = folder
        self.sources = {path.name: path.read_text(encoding="utf-8") for path in self.find()}

    def run(self, rng: np.random.Generator) -> tuple[str, str, str]:
        name = pick(rng, sorted(self.sources))
        description, damaged = mutate_yaml(self.sources[name], rng)
        path = self.folder / name
        path.write_bytes(damaged)
        return (
            f"{name}: {description}",
            *judge(lambda: self.read(path), lambda r: self.check(r, path), self.names(path)),
        )

    def names(self, path):
        return [path.name]


class Recipes(_Text):
    """`train/recipes/*.yaml`, read and held against the classes that they name."""

    defaults = parse_recipe(_LEAST).to_dict()

    def find(self):
        return sorted(RECIPES.glob("*.yaml"))

    def names(self, path):
        # what is checked beyond the reading speaks of the part that is wrong
        parts = ("model", "config", "step", "view", "feature_extractor", "ECGFeatureExtractor", "leads", "num_samples")
        return [path.name, *parts, "sampling_rate", "alidation error for", "unknown lead", "is named twice"]

    def read(self, path):
        recipe = load_recipe(path)
        extractor = ECGFeatureExtractor(**recipe.processor.feature_extractor)
        validate_views(recipe.method.options.get("views", []), extractor.sampling_rate)
        model_class = find_model_class(recipe.model.class_)
        if hasattr(model_class, "config_class"):
            check_config_keys(model_class.config_class, recipe.model.config, "model.config")
            model_class.config_class(**recipe.model.config)
        return recipe

    def check(self, recipe, path):
        # `validation` is the one section that may be absent
        defaults = self.defaults if recipe.validation is not None else self.defaults | {"validation": None}
        written = parse(path.read_bytes())
        data = written.get("data") or {}
        if isinstance(data.get("sources"), list):  # what nobody wrote of a source is its default
            data["sources"] = [_SOURCE | source for source in data["sources"]]
            for source in data["sources"]:
                source["folds"] = _SOURCE["folds"] | (source["folds"] or {})
        optimizer = written.get("optimizer")
        if isinstance(optimizer, dict) and isinstance(optimizer.get("groups"), list):
            optimizer["groups"] = [_GROUP | group for group in optimizer["groups"]]
        return differing(written, recipe.to_dict(), defaults)


class Overrides(_Text):
    """Overrides on the command line."""

    find = Recipes.find

    def run(self, rng):
        recipe = parse_recipe(yaml.safe_load(self.sources["bce_ptb_xl.yaml"]))
        path = self.folder / "bce_ptb_xl.yaml"
        path.write_text(self.sources[path.name], encoding="utf-8")
        keys = [
            f"{section}.{key}" for section, part in recipe.to_dict().items() if isinstance(part, dict) for key in part
        ]
        key, token = (
            pick(rng, [*keys, *keys, "", ".", "run", "run..seed", "run.sed", "a.b.c", "freeze"]),
            pick(rng, TOKENS),
        )
        override = f"{key}{pick(rng, ('=', '=', '=', '=', '', ': '))}{token}"

        def check(found):
            section, _, name = key.partition(".")
            value = found.to_dict()[section]
            value = value[name] if name else value
            return differing(yaml.safe_load(token), value, None, key)

        outcome = judge(lambda: load_recipe(path, [override]), check, [path.name, "override"])
        return (override[:80], *outcome)


class Prompts(_Text):
    """Prompt sets."""

    def find(self):
        return sorted(PROMPTS.glob("*.yaml"))

    def read(self, path):
        return load_prompts(path)

    def check(self, prompts, path):
        content = parse(path.read_bytes())
        if isinstance(content.get("statements"), str):  # those of another set, by its name
            content["statements"] = dict(load_prompts(content["statements"]).statements)
        return differing(content, {key: getattr(prompts, key) for key in content}) or (
            None if prompts.name == path.stem else "another name"
        )
