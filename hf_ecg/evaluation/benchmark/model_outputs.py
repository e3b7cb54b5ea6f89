"""What one model says of the rows of a corpus, kept on disk: features of all splits, embeddings of the test rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from transformers import PreTrainedModel

from ...data.rows import rows_fingerprint
from ...files import ArrayStore, values_digest
from ...models.shared.roles import is_dual_encoder
from ...version import __version__
from ..judging.features import ecg_embeddings, ecg_features, random_model, with_random_ecg_tower
from ..judging.label_text import TextEmbeddings
from ..loading import extractor_of, load_model
from ..weights import tensors_digest
from .settings import ENSEMBLE, MODEL, PROBE, PROMPTS, RANDOM, BenchmarkSettings
from .tasks import BenchmarkCorpus


@dataclass
class Judged:
    """One model, or its companion of random weights.

    `text` is None for a model without a text tower. `key` names weights and preparation.
    """

    kind: str
    index: int
    folder: str
    model: PreTrainedModel
    processor: object
    text: TextEmbeddings | None
    key: dict


def judged_models(folders: list[str], settings: BenchmarkSettings) -> Iterator[Judged]:
    """Each model, followed by its random companion when the settings ask for it."""
    for index, folder in enumerate(folders):
        model, processor = load_model(folder, settings.device)
        has_text = is_dual_encoder(model)
        text = TextEmbeddings(model, processor, f"{folder}, texts") if has_text else None
        key = model_key(model, processor)
        yield Judged(MODEL, index, folder, model, processor, text, key)
        if settings.random:
            seed = settings.seed + index
            fresh = with_random_ecg_tower(model, seed) if has_text else random_model(model, seed)
            key = key | {"random": seed, "torch": torch.__version__}
            yield Judged(RANDOM, index, folder, fresh, processor, text, key)


def model_key(model, processor) -> dict:
    """What names the numbers that a model gives: weights, configuration, preparation and version, of what was loaded,
    whatever the folder or the Hub hold by now."""
    return {
        "weights": tensors_digest(model),
        "config": _arithmetic(model.config.to_dict()),
        "extractor": extractor_of(processor).to_json_string(),
        "version": __version__,
    }


def _arithmetic(config: dict) -> dict:
    """A configuration without what says where and by which version it was saved."""
    return {
        key: _arithmetic(value) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in ("_name_or_path", "transformers_version", "hf_ecg_version")
    }


class ModelOutputs:
    """Features and embeddings of one model on one corpus, made when first asked for.

    Args:
        judged: the model.
        corpus: its rows.
        settings: batch size.
        parts: where they are kept.
    """

    def __init__(self, judged: Judged, corpus: BenchmarkCorpus, settings: BenchmarkSettings, parts: ArrayStore):
        self.judged, self.corpus, self.settings, self.parts = judged, corpus, settings, parts
        # the summary changes when the corpus is prepared again, the record names stay
        self.key = judged.key | {"corpus": values_digest(corpus.summary), "config": corpus.config}
        self._arrays: dict[str, np.ndarray] = {}

    def features(self, split: str) -> np.ndarray:
        """Pooled features, float32 (rows of the split, hidden_size)."""
        return self._array("features", split, ecg_features)

    def embeddings(self) -> np.ndarray:
        """Projected, unit-length embeddings of the test rows, float32 (rows, projection_dim)."""
        return self._array("embeddings", "test", ecg_embeddings)

    def split_key(self, split: str) -> dict:
        """Everything that what the model says of a split's rows depends on."""
        return self.key | {"rows": rows_fingerprint(self.corpus.splits[split])}

    def _array(self, what: str, split: str, compute) -> np.ndarray:
        name = f"{what}-{split}"
        if name not in self._arrays:
            judged, dataset = self.judged, self.corpus.splits[split]
            title = f"{judged.folder}, {judged.kind}: {self.corpus.name}, {split}"

            def make() -> dict[str, np.ndarray]:
                size, crops = self.settings.forward.batch_size, self.settings.forward.crops
                made = compute(judged.model, judged.processor, dataset, size, title, crops=crops)
                return {"values": made}

            key = self.split_key(split) | self.settings.forward.key() | {"what": what}
            self._arrays[name] = self.parts.make(f"{self.corpus.name}-{name}-{values_digest(key)}", make)["values"]
        return self._arrays[name]


def check_parts(judged: Judged, settings: BenchmarkSettings, explicit: bool) -> tuple[str, ...]:
    """The parts of a benchmark that can be run of a model.

    Args:
        explicit: the parts were asked for by name, not left to the default.

    Raises:
        ValueError: prompts were asked of a model without a text tower, and nothing else can be had.
    """
    if judged.text is not None:
        return settings.parts
    asked = [part for part in settings.parts if part in (PROMPTS, ENSEMBLE)]
    if asked and (explicit or PROBE not in settings.parts):
        raise ValueError(
            f"{judged.folder} holds a {type(judged.model).__name__}, which has no text tower: {' and '.join(asked)} "
            "want a dual encoder such as ECGTextModel"
        )
    return tuple(part for part in settings.parts if part == PROBE)
