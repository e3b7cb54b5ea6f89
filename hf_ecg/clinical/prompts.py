"""Prompts of the classes of a label set, read from YAML."""

from dataclasses import dataclass
from pathlib import Path

from ..strict_yaml import load_yaml

FOLDER = Path(__file__).parent / "prompts"
AGGREGATES = ("max", "noisy_or", "mean")
_KEYS = ("label_set", "language", "aggregate", "source", "classes")


@dataclass(frozen=True)
class PromptSet:
    """Texts that stand for the classes of a label set.

    `aggregate` says how the scores of a class's prompts become one: the largest cosine ("max"), the mean cosine
    ("mean"), or the probability that at least one holds ("noisy_or").
    """

    name: str
    label_set: str
    language: str
    aggregate: str
    source: str
    classes: dict[str, list[str]]


def load_prompts(name_or_path) -> PromptSet:
    """A prompt set of the package by its name, or any YAML file of the same form.

    Raises:
        ValueError: an unknown, missing or doubled key, a class without prompts, a prompt that is no text or stands
            twice.
        OSError: neither a prompt set of the package nor a file.
    """
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = FOLDER / f"{name_or_path}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in FOLDER.glob("*.yaml")))
        raise FileNotFoundError(f"{name_or_path} is neither a YAML file nor one of the prompt sets {known}")
    content = load_yaml(path.read_bytes(), str(path))
    if not isinstance(content, dict) or set(content) != set(_KEYS):
        found = sorted(map(str, content)) if isinstance(content, dict) else type(content).__name__
        raise ValueError(f"{path} holds {found}, wanted exactly the keys {sorted(_KEYS)}")
    if content["aggregate"] not in AGGREGATES:
        raise ValueError(f"{path}: aggregate is {content['aggregate']!r}, wanted one of {AGGREGATES}")
    for key in ("label_set", "language", "source"):
        if not isinstance(content[key], str) or not content[key].strip():
            raise ValueError(f"{path}: {key} is {content[key]!r}, wanted a text")
    classes = content["classes"]
    if not isinstance(classes, dict) or not classes:
        raise ValueError(f"{path}: classes is {classes!r}, wanted a mapping from class to prompts")
    for name, prompts in classes.items():
        texts = isinstance(prompts, list) and all(isinstance(text, str) and text.strip() for text in prompts)
        if not isinstance(name, str) or not texts or not prompts or len(set(prompts)) < len(prompts):
            raise ValueError(f"{path}: class {name!r} has the prompts {prompts!r}, wanted a list of distinct texts")
    return PromptSet(name=path.stem, **content)
