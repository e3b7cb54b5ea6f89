"""Labels and scores of the pipelines: which texts are asked about, and which answers are given."""

from collections.abc import Collection, Iterable, Mapping
from numbers import Real

import torch

from .clinical.prompts import check_texts_are_no_names


def labelled(id2label: Mapping, values: torch.Tensor, windows: torch.Tensor) -> list[dict]:
    """A score each, in the order of the labels, and of how many windows it is."""
    read = read_as(windows)
    return [{"label": id2label[index], "score": value, **read} for index, value in enumerate(values.tolist())]


def read_as(windows: torch.Tensor) -> dict[str, int]:
    """What an answer says of a record that was read as several windows."""
    number = int(windows)
    return {"windows": number} if number > 1 else {}


def highest(found: list[dict], top_k: int | None, threshold: float | None) -> list[dict]:
    """The highest score first; raises ValueError for what is not a number of labels, or no threshold."""
    if top_k is not None and (not isinstance(top_k, int) or top_k < 1):
        raise ValueError(f"top_k is {top_k!r}, wanted a number of labels, or None for all")
    if threshold is not None and (not isinstance(threshold, Real) or threshold != threshold):
        raise ValueError(f"threshold is {threshold!r}, wanted a score, or None for all")
    kept = [entry for entry in found if threshold is None or entry["score"] >= threshold]
    return sorted(kept, key=lambda entry: -entry["score"])[:top_k]


def label_texts(candidate_labels, template: str) -> dict[str, list[str]]:
    """What a label says, in its template: label to texts.

    Raises:
        ValueError: no texts, a text twice, the name of a prompt set, a template without a place for the label.
    """
    several = isinstance(candidate_labels, Collection) and not isinstance(candidate_labels, (str, bytes))
    if not several or not candidate_labels:
        raise ValueError(
            f"candidate_labels is {candidate_labels!r}, wanted a list of texts or a dict of label to texts"
        )
    if not isinstance(template, str) or "{}" not in template:
        raise ValueError(f"hypothesis_template is {template!r}, wanted a text with {{}} where the label goes")
    if not isinstance(candidate_labels, Mapping):
        candidate_labels = list(candidate_labels)
        _check_texts(candidate_labels)
        if len(set(candidate_labels)) < len(candidate_labels):
            raise ValueError(f"candidate_labels names a text twice: {candidate_labels}")
        candidate_labels = {text: text for text in candidate_labels}
    groups = {label: [texts] if isinstance(texts, str) else texts for label, texts in candidate_labels.items()}
    groups = {label: list(texts) if isinstance(texts, Iterable) else [texts] for label, texts in groups.items()}
    for texts in groups.values():
        _check_texts(texts)
    empty = [label for label, texts in groups.items() if not texts]
    if empty:
        raise ValueError(f"candidate_labels has no texts for {empty}")
    check_texts_are_no_names((text for texts in groups.values() for text in texts), "candidate_labels")
    return {label: [template.replace("{}", text) for text in texts] for label, texts in groups.items()}


def _check_texts(texts: list) -> None:
    for text in texts:
        if not isinstance(text, str):
            raise ValueError(f"candidate_labels holds {text!r}, wanted texts")
