"""Prompt sets: for each class of a label set the texts that stand for it, read from YAML."""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

PROMPT_FOLDER = Path(__file__).parent / "prompts"
AGGREGATES = ("max", "noisy_or", "mean")
_KEYS = ("name", "label_set", "language", "aggregate", "source", "classes")


@dataclass(frozen=True)
class PromptSet:
    """Texts that stand for the classes of a label set.

    Args:
        name: such as "ptb_xl_rhythm".
        label_set: column of the corpus whose classes these are.
        language: of the prompts, such as "en"; "de, en" when mixed.
        aggregate: how the scores of a class's prompts become one: "max" or "mean" of the cosines, or "noisy_or".
        classes: class name, as the label set has it -> its prompts.
        source: where the wording comes from.
    """

    name: str
    label_set: str
    language: str
    aggregate: str
    classes: dict[str, list[str]]
    source: str


def prompt_set_names() -> list[str]:
    """Names of the prompt sets that come with the package."""
    return sorted(path.stem for path in PROMPT_FOLDER.glob("*.yaml"))


def load_prompts(name_or_path: str | os.PathLike) -> PromptSet:
    """Reads a prompt set.

    Args:
        name_or_path: name of one that comes with the package (`prompt_set_names`), or a path to a `.yaml` file.

    Raises:
        OSError: no such file.
        ValueError: unknown name (the nearest is named), not YAML, unknown or missing keys, an unknown aggregate, a class
            without prompts, an empty or repeated prompt.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        names = prompt_set_names()
        if str(name_or_path) not in names:
            near = difflib.get_close_matches(str(name_or_path), names, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"no prompt set {str(name_or_path)!r}{hint} Known: {', '.join(names)}; or a .yaml file")
        path = PROMPT_FOLDER / f"{name_or_path}.yaml"
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_NoDuplicates)
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{path} holds a {type(content).__name__}, wanted a mapping with {', '.join(_KEYS)}")
    unknown, missing = sorted(set(map(str, content)) - set(_KEYS)), [key for key in _KEYS if key not in content]
    if unknown or missing:
        raise ValueError(f"{path}: unknown keys {unknown}, missing keys {missing}; wanted {', '.join(_KEYS)}")
    for key in _KEYS[:-1]:
        if not isinstance(content[key], str) or not content[key].strip():
            raise ValueError(f"{path}: {key} is {content[key]!r}, wanted a text (quote what YAML takes for a switch)")
    if content["aggregate"] not in AGGREGATES:
        raise ValueError(f"{path}: aggregate is {content['aggregate']!r}, wanted one of {', '.join(AGGREGATES)}")
    return PromptSet(**content | {"classes": _checked_classes(content["classes"], path)})


def _checked_classes(classes, path: Path) -> dict[str, list[str]]:
    if not isinstance(classes, dict) or not classes:
        raise ValueError(f"{path}: classes is {classes!r}, wanted class names with their prompts")
    for name, prompts in classes.items():
        if not isinstance(name, str):
            raise ValueError(f"{path}: the class name {name!r} is a {type(name).__name__}; put it in quotes")
        if not isinstance(prompts, list) or not prompts:
            raise ValueError(f"{path}: class {name} has the prompts {prompts!r}, wanted a list of at least one")
        if not all(isinstance(prompt, str) and prompt.strip() for prompt in prompts):
            raise ValueError(f"{path}: class {name} has a prompt that is empty or no text: {prompts}")
        if len(set(prompts)) != len(prompts):
            raise ValueError(f"{path}: class {name} has a prompt twice: {prompts}")
    return classes


class _NoDuplicates(yaml.SafeLoader):
    """Safe loader that refuses a key given twice, of which YAML would keep the last in silence."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"given twice: {repeated}", node.start_mark)
        return super().construct_mapping(node, deep)
