"""From rows to the batch a model's `forward` takes: waveforms, random views, tokens or labels."""

import inspect
from collections.abc import Callable, Mapping, Sequence

from ...checks import nearest
from ..corpus import label_names
from .labels import ECGClassificationCollator, ECGRegressionCollator
from .texts import ECGTextCollator, text_id
from .view_pairs import ECGContrastiveCollator

__all__ = [
    "COLLATORS",
    "ECGClassificationCollator",
    "ECGContrastiveCollator",
    "ECGRegressionCollator",
    "ECGTextCollator",
    "build_collator",
    "text_id",
]


def build_collator(spec: Mapping, processor, dataset, seed: int = 0) -> Callable[[Sequence[Mapping]], dict]:
    """A collator by name.

    Args:
        spec: `name` "ecg_text", "ecg_classification", "ecg_regression" or "ecg_contrastive", and that collator's
            options.
        processor: an `ECGTextProcessor`; for all but "ecg_text" an `ECGFeatureExtractor` does.
        dataset: the corpus, for the names of its classes.
        seed: of views and sentences.

    Raises:
        ValueError: an unknown name or key (the nearest is named), a processor that does not fit, a missing column.
    """
    name = spec.get("name")
    if name not in COLLATORS:
        raise ValueError(f"collator name is {name!r}{nearest(name, COLLATORS)}; known: {', '.join(COLLATORS)}")
    options = {key: value for key, value in spec.items() if key != "name"}
    internal = {"self", "processor", "feature_extractor", "seed", "class_names", "text_features"}
    known = set(inspect.signature(COLLATORS[name].__init__).parameters) - internal
    for key in options:
        if key not in known:
            raise ValueError(f"collator {name}: unknown key {key!r}{nearest(key, known)}; known: {sorted(known)}")
    feature_extractor = getattr(processor, "feature_extractor", processor)
    if name == "ecg_text":
        if not hasattr(processor, "tokenizer"):
            raise ValueError(f"collator ecg_text needs a processor with a tokenizer, found {type(processor).__name__}")
        collator = ECGTextCollator(processor, seed=seed, **options)
    elif name == "ecg_contrastive":
        collator = ECGContrastiveCollator(feature_extractor, seed=seed, **options)
    elif name == "ecg_regression":
        collator = ECGRegressionCollator(feature_extractor, options.pop("targets", []), seed=seed, **options)
    else:
        label_sets = options.pop("label_sets", None) or []
        class_names = {label_set: label_names(dataset, label_set) for label_set in label_sets}
        collator = ECGClassificationCollator(feature_extractor, label_sets, class_names, seed=seed, **options)
    for column in collator.columns:
        if column not in dataset.column_names:
            raise ValueError(f"the corpus has no column {column!r}{nearest(column, dataset.column_names)}")
    if name == "ecg_text":
        collator.fit_sentences(dataset)
    return collator


COLLATORS = {
    "ecg_text": ECGTextCollator,
    "ecg_classification": ECGClassificationCollator,
    "ecg_regression": ECGRegressionCollator,
    "ecg_contrastive": ECGContrastiveCollator,
}
