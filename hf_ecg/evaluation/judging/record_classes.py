"""One record classified by prompts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from ...clinical.prompts import load_prompts, meant_prompt_set, prompt_set_names
from ...pipeline_windows import pooled_outputs, record_inputs
from ...trained_on import tell_trained_on
from .features import check_finite, ecg_text_embeddings, frozen
from .label_text import class_similarities


def record_embedding(
    model, processor, record, leads=None, rename=None, window=None, lead=None
) -> tuple[np.ndarray, int]:
    """Unit-length embedding (1, projection_dim) of one record, the mean over its windows, and their number.

    Args:
        model, processor: a dual encoder, see `load_dual_encoder`.
        record: a path, or a `Record`.
        leads, rename: see `hf_ecg.read`.
        window, lead: see `ECGFeatureExtractor`.

    Raises:
        ValueError, OSError: see `ECGFeatureExtractor`.
    """
    tell_trained_on(model.name_or_path)
    device = next(model.parameters()).device
    inputs = record_inputs(record, processor.feature_extractor, model, window, leads=leads, rename=rename, lead=lead)

    def forward(batch) -> torch.Tensor:
        features = model.get_ecg_features(**{key: value.to(device) for key, value in batch.items()}).pooler_output
        check_finite(features, "windows")
        return torch.nn.functional.normalize(features.float(), dim=-1).cpu()

    with frozen(model):
        features, windows = pooled_outputs(forward, inputs, processor.feature_extractor)
    return torch.nn.functional.normalize(features, dim=-1).numpy(), int(windows[0])


def classify_record(
    model, processor, record: str, prompts: Sequence[str], *, leads=None, rename=None, window=None
) -> list[dict]:
    """`class`, `words`, `cosine` and `probability` of each class of each prompt set.

    Args:
        model, processor: a dual encoder, see `load_dual_encoder`.
        record: path of a WFDB record.
        prompts: names or YAML files of prompt sets, or texts, which are classes of their own.
        leads, rename: which channels of the file are taken, under which names; see `hf_ecg.read`.
        window: which part of a long record is read; see `ECGFeatureExtractor`.

    Returns:
        Entries in the order of the prompts; `words` say what a class's code means, "" where that is not known or the
        class is a text; `probability` is None unless the model was trained with the sigmoid loss. Of a record that is
        read as several windows also `windows`, over whose embeddings the mean is compared.

    Raises:
        ValueError: an unknown prompt set, or a record that the feature extractor refuses.
        OSError: the record is not there.
    """
    embedding, windows = record_embedding(model, processor, record, leads, rename, window)
    found = [entry for group in _groups(prompts) for entry in _classify(model, processor, embedding, *group)]
    return [entry | {"windows": windows} for entry in found] if windows > 1 else found


def _classify(
    model, processor, embedding, classes: dict[str, list[str]], aggregate: str, words: Callable[[str], str]
) -> list[dict]:
    """Cosine and probability of each class, in the classes' order."""
    texts = ecg_text_embeddings(model, processor, [text for prompts in classes.values() for text in prompts])
    cosines, probabilities = class_similarities(model, embedding, texts, classes, aggregate)
    values = [None] * len(classes) if probabilities is None else probabilities[0].tolist()
    rows = zip(classes, cosines[0].tolist(), values, strict=True)
    return [
        {"class": name, "words": words(name), "cosine": cosine, "probability": value} for name, cosine, value in rows
    ]


def _groups(prompts: Sequence[str]) -> list[tuple[dict[str, list[str]], str, Callable[[str], str]]]:
    """(classes, aggregate, words of a class) of each prompt set, and one group for the texts given as they are."""
    groups, texts = [], {}
    for prompt in prompts:
        # a name of a set is one word with an underscore, or a file
        named = Path(prompt).suffix in (".yaml", ".yml") or ("_" in prompt and " " not in prompt)
        meant = None if named else meant_prompt_set(prompt)
        if meant is not None and meant != prompt:
            raise ValueError(
                f"{prompt!r} is not a prompt set, and too near to the name {meant!r} to be meant as a text; the prompt"
                f" sets are {', '.join(prompt_set_names())}"
            )
        if named or meant is not None:
            prompt_set = load_prompts(prompt)
            groups.append((prompt_set.classes, prompt_set.aggregate, prompt_set.words))
        else:
            texts[prompt] = [prompt]
    return groups + ([(texts, "max", lambda text: "")] if texts else [])
